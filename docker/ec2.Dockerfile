# syntax=docker/dockerfile:1.19
# check=error=true

# The EC2 home of the app as an image: one static binary, nothing else.
#
#   docker buildx build --platform linux/amd64,linux/arm64 -f docker/ec2.Dockerfile .
#
# Both architectures are cross-compiled on the machine that builds, nothing is emulated.
FROM --platform=$BUILDPLATFORM golang:1.26.8-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY app app
COPY adapters adapters
ARG TARGETOS
ARG TARGETARCH
# No "go mod download": it would fetch what only tests and tools need. The flags are those of "task build".
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/server ./adapters/ec2

# From nothing: there is no shell, no package and no base image to keep up to date. What is in the binary says its build
# information, which scanners and SBOM tools read (go version -m).
FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="crossover ec2" \
      org.opencontainers.image.description="The app of crossover as an HTTP server" \
      org.opencontainers.image.source="https://github.com/crossover-bench/crossover" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# For TLS to Redis and to AWS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/server /server
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 8080
# SIGTERM, which is the default, drains.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --start-interval=1s --retries=3 CMD ["/server", "-healthcheck"]
ENTRYPOINT ["/server"]
