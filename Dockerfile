# syntax=docker/dockerfile:1

# hallpass as an image: one binary, no shell, no package manager, a user of its own.
#
#   docker build -t hallpass:0.1.0 .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#     --tmpfs /run/hallpass:uid=10001,gid=10001,mode=0700 \
#     -v "$PWD/etc:/etc/hallpass:ro" -p 8080:8080 hallpass:0.1.0
#
# with config/hallpass.yaml, policy/ and keys/jwks.json in etc, as in examples/kubernetes.
#
# The tags below say which release is meant. A tag can be moved, a digest cannot: for a release, write the digest behind
# the tag, as in `rust:1.95.0-trixie@sha256:...`. `docker buildx imagetools inspect rust:1.95.0-trixie` prints it. The base
# of the second stage has no numbered tags at all; there the digest is the only pin.

# ---- build -----------------------------------------------------------------------------------------------------------
# The release of rust-toolchain.toml (which is not copied: rustup would fetch rustfmt and clippy for it), on the Debian
# release of the second stage, so that the binary meets the glibc that it was linked with.
FROM rust:1.95.0-trixie AS build
WORKDIR /build

# The dependencies, by themselves: this layer is built again only when Cargo.toml or Cargo.lock change. Cargo wants
# all targets that Cargo.toml names, so it gets empty ones. aws-lc-sys compiles C here; the image has the compiler.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src examples/school \
    && touch src/lib.rs \
    && for main in src/main.rs examples/caches.rs examples/school/main.rs; do echo 'fn main() {}' > "$main"; done \
    && cargo build --release --locked --bin hallpass \
    && rm -r src

# The sources. Cargo compares times, and copied files keep theirs, which are older than the empty targets.
COPY src ./src
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked --bin hallpass \
    && mkdir -p /out/hallpass && chmod 0700 /out/hallpass

# ---- run -------------------------------------------------------------------------------------------------------------
# `cc`: glibc, libgcc and the CA certificates, and nothing that could be started. Why not `static`: aws-lc builds for musl
# as well, but musl's allocator is slow where several threads allocate, as the workers of a proxy do.
FROM gcr.io/distroless/cc-debian13:nonroot

LABEL org.opencontainers.image.title="hallpass" \
      org.opencontainers.image.description="An authorization proxy that stands in front of a school app that cannot be changed" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=build /build/target/release/hallpass /usr/local/bin/hallpass
# The place of the admin socket. With a read-only root it is a tmpfs or an emptyDir that is mounted here.
COPY --from=build --chown=10001:10001 /out/ /run/

# A uid of its own: 65532, the `nonroot` of the base, is shared with every other image that is built on it. As a number,
# because `runAsNonRoot` cannot see what a name stands for.
USER 10001:10001
WORKDIR /

# 8080 data, 8081 health.
EXPOSE 8080 8081

# Asks 127.0.0.1:8081. Kubernetes ignores this and uses the probes of the manifest.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/hallpass", "health", "--ready"]

# SIGTERM begins the shutdown; `docker stop --time 40` leaves room for its `wait` and `drain`.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/hallpass"]
CMD ["serve", "--config", "/etc/hallpass/config/hallpass.yaml"]
