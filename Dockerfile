# Two stages: durable-rules has no wheel and is compiled; the compiler stays behind.
#
#   docker build -t cds-service .
#
# How it is meant to run: the server binds the loopback address of its container, because this version does not
# verify who calls (it refuses any other CDS_HOST). A published port therefore reaches nothing. Put a proxy that
# verifies callers and terminates TLS into the same network namespace, as a sidecar of the pod or so:
#
#   docker run -d --name cds --network container:proxy --read-only --tmpfs /tmp --cap-drop ALL cds-service
#
# To try it on one Linux machine:  docker run --rm --network host cds-service serve --today 2026-03-01
# Own rules: mount a folder of rulebooks read-only at /srv/rules. Settings are the CDS_ variables (serve --help).

FROM python:3.12-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/cds
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY cds_service ./cds_service
RUN /opt/cds/bin/pip install --no-cache-dir .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin cds
COPY --from=build /opt/cds /opt/cds
WORKDIR /srv
COPY LICENSE NOTICE ./
COPY rules ./rules
ENV PATH=/opt/cds/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CDS_RULES=/srv/rules
USER cds
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('CDS_PORT', '5000') + '/healthz', timeout=2)"]
# Granian ends its workers on SIGTERM; requests take milliseconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["cds"]
CMD ["serve"]
