# syntax=docker/dockerfile:1
# Pin it by digest (node:26-slim@sha256:...) where a build must be the same for ever.
ARG NODE_IMAGE=node:26-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY LICENSE tsconfig.json tsconfig.build.json ./
COPY config/assemble.ts ./config/
COPY src ./src
ARG SOURCE_DATE_EPOCH=0
RUN npm run image

FROM ${NODE_IMAGE}
# A gateway installs no package and changes no user: npm with all that it brings, and set-user-id bits, only help attackers.
RUN rm -rf /opt/yarn* /usr/local/include /usr/local/lib/node_modules /usr/local/share/doc /usr/local/share/man \
 && find /usr/local/bin -mindepth 1 ! -name node -delete \
 && find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
ENV NODE_ENV=production
WORKDIR /app
# The dependencies change seldom: a layer of their own.
COPY --from=build /build/build/image/node_modules ./node_modules
COPY --from=build /build/build/image/package.json /build/build/image/LICENSE ./
COPY --from=build /build/build/image/dist ./dist
# By number, so that runAsNonRoot can be checked without the image's passwd file.
USER 65532:65532
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["node", "/app/dist/cli.js", "health"]
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["run"]
# Last: what differs from build to build must not make the layers above anew.
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="jwks-sidecar" \
      org.opencontainers.image.description="Verifies bearer tokens in front of an API" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
