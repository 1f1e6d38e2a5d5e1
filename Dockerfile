# One image for both stages; any with python3 and its venv will do, best one with a digest: --build-arg PYTHON_IMAGE=…
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
# pip stays behind in /opt/pip. What has no wheel fails here: neither stage has a compiler.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv
COPY requirements.lock /src/
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --disable-pip-version-check \
        --only-binary :all: --require-hashes --requirement /src/requirements.lock \
    && find /opt/venv/bin -type f -delete \
    && find /opt/venv -name '*.pyi' -delete
COPY LICENSE /opt/venv/
COPY exporter /src/exporter
ARG REVISION=unknown
# Slim images have no bytecode of the standard library, and the container may write none: without this, each health
# check would compile it all again. So everything that gets imported is compiled here, into one folder.
ENV PYTHONPYCACHEPREFIX=/opt/venv/bytecode
RUN case "${REVISION}" in *[!0-9A-Za-z._-]*|'') echo 'REVISION is no name of a commit' >&2; exit 1;; esac \
    && printf '"""Which commit this is."""\n\nREVISION = "%s"\n' "${REVISION}" > /src/exporter/revision.py \
    && cp -R /src/exporter /opt/venv/lib/python3*/site-packages/ \
    && printf '#!/opt/venv/bin/python\nimport sys\nfrom exporter.cli import main\nsys.exit(main())\n' \
        > /opt/venv/bin/ghe-exporter \
    && chmod 0755 /opt/venv/bin/ghe-exporter \
    && /opt/venv/bin/python -c 'import pkgutil, importlib, exporter; [importlib.import_module(module.name) \
        for module in pkgutil.walk_packages(exporter.__path__, "exporter.") if module.name != "exporter.__main__"]'

FROM ${PYTHON_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="ghe-exporter" \
    org.opencontainers.image.description="Prometheus exporter for GitHub Enterprise: licenses, license sync, billing, runners" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}"
ENV PATH=/opt/venv/bin:${PATH} \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPYCACHEPREFIX=/opt/venv/bytecode
COPY --from=build /opt/venv /opt/venv
# Numeric, or Kubernetes cannot verify that it is not root; the chart uses the same.
USER 65532:65532
EXPOSE 10204
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["ghe-exporter", "healthcheck"]
ENTRYPOINT ["ghe-exporter"]
CMD ["serve"]
