# syntax=docker/dockerfile:1.19
# check=error=true

# The Lambda home of the app as an image, for functions of the package type Image.
#
#   docker buildx build --platform linux/arm64 --provenance=false -f docker/lambda.Dockerfile .
#
# Lambda takes one architecture an image, and no attestations beside it. The target "local" is the same function on the local
# Lambda service, for compose.yaml.
FROM --platform=$BUILDPLATFORM golang:1.26.8-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY app app
COPY adapters adapters
ARG TARGETOS
ARG TARGETARCH
# No "go mod download": it would fetch what only tests and tools need. The flags are those of "task build".
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags="-s -w" -tags lambda.norpc -o /out/bootstrap ./adapters/lambda

FROM build AS build-local
COPY bench bench
COPY docker/probe docker/probe
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/bench ./bench
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/probe ./docker/probe

# The function URL is on port 8081, the Invoke API on 9001. What listens beyond loopback is the container's network alone;
# compose.yaml publishes it on the host's loopback.
FROM scratch AS local
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="crossover lambda, local" \
      org.opencontainers.image.description="The app of crossover as a Lambda function on a local Lambda service" \
      org.opencontainers.image.source="https://github.com/crossover-bench/crossover" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build-local /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build-local /out/bootstrap /out/bench /out/probe /
USER 65532:65532
EXPOSE 8081 9001
# A dry run asks whether the function could be invoked: no environment is started or kept warm by it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --start-interval=1s --retries=3 CMD ["/probe"]
ENTRYPOINT ["/bench", "emulate", "--listen=0.0.0.0", "--port=function_url=8081,invoke=9001", "--env=REDIS_URL"]
CMD ["--", "/bootstrap"]

# From nothing: Lambda needs a program that speaks the Runtime API, and no base image around it. It runs as a user of its own
# whatever USER says, on a read-only file system with /tmp, and checks health itself.
FROM scratch AS lambda
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="crossover lambda" \
      org.opencontainers.image.description="The app of crossover as a Lambda function" \
      org.opencontainers.image.source="https://github.com/crossover-bench/crossover" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/bootstrap /bootstrap
USER 65532:65532
ENTRYPOINT ["/bootstrap"]
