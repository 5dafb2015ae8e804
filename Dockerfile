# Two stages: one that builds, one that has the binary alone. Data goes to /data: mount a volume there, or set DATABASE_URL.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --release

FROM debian:bookworm-slim
# The authorities that a mail server's certificate is checked with.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data autrement && install -d -o autrement /data
COPY --from=build /src/target/release/autrement /usr/local/bin/autrement
USER autrement
ENV BIND=0.0.0.0:8080 DATA_DIR=/data LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["autrement"]
