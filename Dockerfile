# One image for each service:
#   docker build --build-arg SERVICE=clean --tag meshwork/clean .
# SERVICE is the name of a folder in services/, or orchestrator, or gateway.

ARG NODE_IMAGE=node:24-bookworm-slim

# What Node and the native libraries need of the system, and nothing else: no shell, no package manager.
FROM ${NODE_IMAGE} AS system
COPY docker/system.sh /
RUN ["sh", "/system.sh", "/system"]

FROM ${NODE_IMAGE} AS tools
ARG PNPM_VERSION=12.21.0
RUN npm install --global --no-audit --no-fund --no-update-notifier "pnpm@${PNPM_VERSION}"

FROM tools AS service
ARG SERVICE
WORKDIR /source
COPY . .
RUN --mount=type=cache,id=meshwork-pnpm,target=/pnpm,sharing=locked \
    pnpm install --prod --frozen-lockfile --store-dir /pnpm --filter "@meshwork/${SERVICE}..."
RUN ["sh", "-c", "node docker/assemble.mjs \"$SERVICE\" /app && node docker/warm.mjs /app"]

FROM scratch
ARG SERVICE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="meshwork/${SERVICE}" \
      org.opencontainers.image.description="The ${SERVICE} service of Meshwork" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=system /system/ /
COPY --from=service /app/ /app/
ENV PATH=/usr/local/bin \
    NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/cache \
    ORT_DISABLE_TELEMETRY=1 \
    MESHWORK_HOST=0.0.0.0 \
    MESHWORK_PORT=8080
WORKDIR /app
USER 1000:1000
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["node", "ready.mjs"]
CMD ["node", "service/src/main.ts"]
