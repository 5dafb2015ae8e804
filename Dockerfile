# Three stages: one that builds, one that lays out what the image has, and the image: the binary, the C library, and authorities. No shell, no package
# manager. Data goes to /data: mount a volume there, or set DATABASE_URL and the keys. Nothing else is written: run it with a read-only root.
# `deploy/check` runs each step's commands without an engine.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --release && install -D target/release/autrement /out/usr/local/bin/autrement

FROM debian:bookworm-slim AS root
# The authorities that the certificates of mail servers and databases are checked with.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates
COPY --from=build /out /out
# The libraries that the binary is linked with, as the loader finds them.
RUN mkdir -p /out/etc/ssl/certs && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ && \
    ldd /out/usr/local/bin/autrement | grep -o '/[^ ]*' | sort -u | xargs -I '{}' cp -L --parents '{}' /out && \
    echo 'autrement:x:10001:10001::/data:/sbin/nologin' >/out/etc/passwd && \
    echo 'autrement:x:10001:' >/out/etc/group && \
    echo 'hosts: files dns' >/out/etc/nsswitch.conf && \
    install -d -m 1777 /out/tmp && \
    install -d -m 0700 -o 10001 -g 10001 /out/data

FROM scratch
COPY --from=root /out /
USER 10001:10001
ENV BIND=0.0.0.0:8080 DATA_DIR=/data LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["/usr/local/bin/autrement", "health", "live"]
ENTRYPOINT ["/usr/local/bin/autrement"]
