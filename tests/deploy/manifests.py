#!/usr/bin/env python3
"""What no schema says of the manifests: that files are there, names agree, and the promises of README.md are kept.

    manifests.py ROOT                  the sources, as they stand in the repository
    manifests.py ROOT --built FILE...  the same questions to what kustomize makes of them

Prints each finding on a line and exits 1 if there is one. Needs PyYAML and nothing else.
"""

import json
import re
import sys
from pathlib import Path

import yaml

KINDS = ("sidecar-native", "sidecar-plain")
findings = []


def finding(where, what):
    findings.append(f"{where}: {what}")


def check(holds, where, what):
    if not holds:
        finding(where, what)


def seconds(text):
    match = re.fullmatch(r"(\d+)s", str(text))
    return int(match.group(1)) if match else None


# ---- the kustomization files ---------------------------------------------------------------------


class Tree:
    """A kustomization with its bases: its objects, and the files of each generated ConfigMap."""

    def __init__(self, directory):
        self.objects, self.maps, self.used = [], {}, set()
        self.hashed, self.images = {}, set()
        self.read(directory)

    def read(self, directory):
        path = directory / "kustomization.yaml"
        self.used.add(path)
        document = yaml.safe_load(path.read_text())
        known = {"apiVersion", "kind", "namespace", "resources", "configMapGenerator", "images"}
        for key in sorted(set(document) - known):
            finding(path, f"`{key}` is not known to this check")
        for name in document.get("resources", []):
            target = (directory / name).resolve()
            if target.is_dir():
                self.read(target)
            elif target.is_file():
                self.used.add(target)
                self.objects += [o for o in yaml.safe_load_all(target.read_text()) if o]
            else:
                finding(path, f"resource `{name}` does not exist")
        for generator in document.get("configMapGenerator", []):
            files = {}
            for name in generator["files"]:
                target = (directory / name).resolve()
                check(target.is_file(), path, f"file `{name}` does not exist")
                self.used.add(target)
                files[target.name] = target.read_text() if target.is_file() else ""
            check(generator["name"] not in self.maps, path, f"`{generator['name']}` is generated twice")
            self.maps[generator["name"]] = files
            self.hashed[generator["name"]] = not generator.get("options", {}).get("disableNameSuffixHash", False)
        self.images |= {image["name"] for image in document.get("images", [])}


class Built:
    """What kustomize made: the ConfigMaps are objects like the others."""

    def __init__(self, path):
        self.objects = [o for o in yaml.safe_load_all(Path(path).read_text()) if o]
        self.maps = {o["metadata"]["name"]: o.get("data", {}) for o in self.objects if o["kind"] == "ConfigMap"}
        self.objects = [o for o in self.objects if o["kind"] != "ConfigMap"]


# ---- what is asked of both -----------------------------------------------------------------------


def one(tree, kind, where):
    found = [o for o in tree.objects if o["kind"] == kind]
    check(len(found) == 1, where, f"{len(found)} objects of kind {kind}, expected one")
    return found[0] if found else {}


def judge(tree, where, native, uid):
    deployment = one(tree, "Deployment", where)
    service = one(tree, "Service", where)
    policy = one(tree, "NetworkPolicy", where)
    namespace = one(tree, "Namespace", where)["metadata"]["name"]
    for thing in (deployment, service, policy):
        check(thing["metadata"].get("namespace") == namespace, where, f"{thing['kind']} is not in `{namespace}`")

    template = deployment["spec"]["template"]
    pod, labels = template["spec"], template["metadata"]["labels"]
    for what, selector in (
        ("the Deployment", deployment["spec"]["selector"]["matchLabels"]),
        ("the Service", service["spec"]["selector"]),
        ("the NetworkPolicy", policy["spec"]["podSelector"]["matchLabels"]),
    ):
        check(selector and selector.items() <= labels.items(), where, f"{what} does not select the pod")

    first, mains = pod.get("initContainers", []), pod["containers"]
    everyone = first + mains
    sidecar = next((c for c in everyone if c["name"] == "hallpass"), None)
    app = next((c for c in mains if c["name"] == "app"), None)
    check(sidecar is not None and app is not None, where, "no container `hallpass` or no container `app`")
    if sidecar is None or app is None:
        return
    check((sidecar in first) == native, where, "hallpass is in the wrong list of containers")
    check(sidecar.get("restartPolicy") == ("Always" if native else None), where, "restartPolicy of hallpass is wrong")

    hardened(pod, everyone, where)
    check(sidecar["securityContext"].get("runAsUser") == uid, where, f"hallpass does not run as {uid}, the user of the image")
    check(app["securityContext"].get("runAsUser") != uid, where, "the app runs as the user of hallpass")
    mounts(tree, pod, everyone, where)

    # The configuration that the pod reads.
    args = sidecar["args"]
    check(args[:2] == ["serve", "--config"], where, "hallpass is not started with `serve --config`")
    text = seen(tree, pod, sidecar, args[2])
    if text is None:
        finding(where, f"`{args[2]}` is in no mounted ConfigMap")
        return
    settings = yaml.safe_load(text)
    data, health = (int(str(a).rsplit(":", 1)[1]) for a in (settings["listen"], settings["health"]["listen"]))
    check(settings["upstream"]["address"].startswith("127.0.0.1:"), where, "the upstream is not on loopback")
    check(seen(tree, pod, sidecar, settings["bundle"]) is not None, where, "the policy is not mounted")
    for issuer in settings["identity"]["jwt"]:
        keys = seen(tree, pod, sidecar, issuer["keys"])
        check(keys is not None, where, f"`{issuer['keys']}` is in no mounted ConfigMap")
        for key in json.loads(keys or "{}").get("keys", []):
            check(not {"d", "k", "p", "q"} & set(key), where, "the key set holds a private key")
    socket = settings["admin"]["socket"].rsplit("/", 1)[0]
    run = next((m for m in sidecar["volumeMounts"] if m["mountPath"] == socket), None)
    check(run is not None and not run.get("readOnly"), where, f"`{socket}` is not a writable volume")
    check(run is None or all(m["name"] != run["name"] for m in app["volumeMounts"]), where, "the app mounts the admin socket")

    # Ports: the same numbers everywhere, and none for the app.
    check({p["containerPort"] for p in sidecar["ports"]} == {data, health}, where, "the ports of hallpass are not those of its configuration")
    check("ports" not in app, where, "the app declares a port")
    check([p["targetPort"] for p in service["spec"]["ports"]] == [data], where, "the Service does not lead to the data port alone")
    opened = [p["port"] for rule in policy["spec"]["ingress"] for p in rule.get("ports", [{"port": "all"}])]
    check(sorted(opened, key=str) == sorted([data, health]), where, f"the NetworkPolicy opens {opened}")
    check(all(rule.get("from") for rule in policy["spec"]["ingress"]), where, "a rule of the NetworkPolicy lets everybody in")
    check(set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}, where, "the NetworkPolicy leaves a direction open")
    for kind, path in (("startupProbe", "/livez"), ("readinessProbe", "/readyz"), ("livenessProbe", "/livez")):
        get = sidecar.get(kind, {}).get("httpGet", {})
        check((get.get("path"), get.get("port")) == (path, health), where, f"{kind} of hallpass does not ask {path} on {health}")
    for container in everyone:
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            check("host" not in container.get(kind, {}).get("httpGet", {}), where, f"{kind} of {container['name']} names a host")

    # The end: the app outlasts hallpass's last request, and all of it fits.
    wait, drain = seconds(settings["shutdown"]["wait"]), seconds(settings["shutdown"]["drain"])
    hook = app.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
    check(len(hook) == 2 and hook[0] == "sleep", where, "the app has no preStop hook that sleeps")
    check(wait is not None and drain is not None, where, "`shutdown` is not in seconds")
    if len(hook) == 2 and wait is not None and drain is not None:
        asleep, grace, margin = int(hook[1]), pod["terminationGracePeriodSeconds"], 5
        check(native or asleep > wait + drain, where, "the app is told to stop before hallpass has drained")
        rest = wait + drain if native else 0
        check(asleep + rest + margin < grace, where, "terminationGracePeriodSeconds is too short")


def hardened(pod, containers, where):
    check(pod.get("automountServiceAccountToken") is False, where, "a service account token is mounted")
    check(not any(pod.get(k) for k in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")), where, "the pod shares a namespace")
    for container in containers:
        name, security = f"{where} {container['name']}", container.get("securityContext", {})
        for key, value in (
            ("runAsNonRoot", True),
            ("readOnlyRootFilesystem", True),
            ("allowPrivilegeEscalation", False),
            ("capabilities", {"drop": ["ALL"]}),
            ("seccompProfile", {"type": "RuntimeDefault"}),
        ):
            check(security.get(key) == value, name, f"`{key}` is not {value}")
        check(security.get("runAsUser", 0) > 0, name, "no uid of its own")
        resources = container.get("resources", {})
        limit, request = (resources.get(k, {}).get("memory") for k in ("limits", "requests"))
        check(limit is not None and limit == request, name, "memory request and limit differ")
        check(re.search(r":[^/]*\d", container["image"]) or container["image"] == "hallpass", name, "the image has no release")


def mounts(tree, pod, containers, where):
    volumes = {v["name"]: v for v in pod["volumes"]}
    mounted = set()
    for volume in volumes.values():
        if "configMap" in volume:
            name = volume["configMap"]["name"]
            check(name in tree.maps, where, f"no ConfigMap `{name}`")
    for container in containers:
        for mount in container.get("volumeMounts", []):
            mounted.add(mount["name"])
            check(mount["name"] in volumes, where, f"no volume `{mount['name']}`")
            check("subPath" not in mount and "subPathExpr" not in mount, where, f"`{mount['mountPath']}` is a subPath: updates do not arrive")
            if "configMap" in volumes.get(mount["name"], {}):
                check(mount.get("readOnly") is True, where, f"`{mount['mountPath']}` is writable")
    for name in sorted(set(volumes) - mounted):
        finding(where, f"volume `{name}` is mounted nowhere")


def seen(tree, pod, container, path):
    """The text of a file as the container sees it; of a directory, that it is there."""
    volumes = {v["name"]: v for v in pod["volumes"]}
    for mount in container["volumeMounts"]:
        files = tree.maps.get(volumes.get(mount["name"], {}).get("configMap", {}).get("name"), {})
        if path == mount["mountPath"]:
            return "" if files else None
        directory, _, name = path.rpartition("/")
        if directory == mount["mountPath"]:
            return files.get(name)
    return None


# ---- what is asked of the sources alone ----------------------------------------------------------


def sources(root, uid):
    kubernetes = root / "examples" / "kubernetes"
    used, configurations = set(), []
    for kind in KINDS:
        tree = Tree(kubernetes / kind)
        judge(tree, kind, kind == "sidecar-native", uid)
        used |= {p.resolve() for p in tree.used}
        settings = yaml.safe_load(tree.maps["hallpass-config"]["hallpass.yaml"])
        settings.pop("shutdown")
        configurations.append(settings)
        check(tree.images == {"hallpass"}, kind, "`images` does not name hallpass")
        for name, hashed in tree.hashed.items():
            check(hashed == (name != "hallpass-policy"), kind, f"`{name}`: the policy keeps its name, everything else has a hash")
    check(configurations[0] == configurations[1], "hallpass.yaml", "the two kinds differ in more than `shutdown`")
    for path in sorted(kubernetes.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            check(path.resolve() in used, path.relative_to(root), "no kustomization names this file")


def dockerfile(root):
    """The user of the image, and that it is built with the toolchain of the project."""
    text = (root / "Dockerfile").read_text()
    toolchain = re.search(r'channel = "([^"]+)"', (root / "rust-toolchain.toml").read_text()).group(1)
    named = set(re.findall(r"\brust:(\d[\d.]*)", text))
    check(named == {toolchain}, "Dockerfile", f"it names Rust {sorted(named)}, rust-toolchain.toml {toolchain}")
    version = re.search(r'^version = "([^"]+)"', (root / "Cargo.toml").read_text(), re.M).group(1)
    for kind in KINDS:
        path = root / "examples" / "kubernetes" / kind / "kustomization.yaml"
        tags = [image.get("newTag") for image in yaml.safe_load(path.read_text()).get("images", [])]
        check(tags == [version], f"{kind}/kustomization.yaml", f"newTag is not {version}, the version of Cargo.toml")
    for word in ("HEALTHCHECK", "ENTRYPOINT", "CMD"):
        check(re.search(rf"^\s*{word}\b", text, re.M), "Dockerfile", f"no {word}")
    for line in re.findall(r"^\s*(?:ENTRYPOINT|CMD)\b(.*)$", text, re.M):
        check(line.strip().startswith("["), "Dockerfile", "a command in shell form, and there is no shell")
    user = re.findall(r"^USER (\d+):\d+$", text, re.M)
    check(len(user) == 1 and int(user[0]) > 0, "Dockerfile", "no USER by number")
    return int(user[0]) if user else 0


def main():
    root = Path(sys.argv[1]).resolve()
    uid = dockerfile(root)
    if sys.argv[2:3] == ["--built"]:
        for path in sys.argv[3:]:
            judge(Built(path), Path(path).stem, Path(path).stem == "sidecar-native", uid)
    else:
        sources(root, uid)
    for line in findings:
        print(line)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
