# Two stages: durable-rules has no wheel and is compiled; the compiler stays behind.
#
#   docker build -t cds-service .
#
# To try it on one Linux machine, reachable from that machine only:
#
#   docker run --rm --network host cds-service serve --today 2026-03-01
#
# For others the service needs the file that says who may call, the address they call, a volume for its
# database, and a proxy in front that terminates TLS (docs/operations.md, docs/nginx.example.conf):
#
#   docker run -d --name cds --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     --volume cds-var:/srv/var --volume /etc/cds:/etc/cds:ro --publish 127.0.0.1:5000:5000 \
#     --env CDS_HOST=0.0.0.0 --env CDS_CLIENTS=/etc/cds/clients.yaml \
#     --env CDS_PUBLIC_URL=https://cds.example.org --env CDS_TRUSTED_PROXIES=172.17.0.1 \
#     --stop-timeout 20 cds-service
#
# Own rules: mount a folder of rulebooks read-only at /srv/rules, and after a change: docker kill -s HUP cds
# PostgreSQL instead of the volume: --env CDS_DATABASE_URL=postgresql://user@host/name

FROM python:3.12-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/cds
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY cds_service ./cds_service
RUN /opt/cds/bin/pip install --no-cache-dir '.[postgresql]'

FROM python:3.12-slim-bookworm
RUN groupadd --system --gid 10001 cds \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin cds \
    && install -d -o 10001 -g 10001 -m 0700 /srv/var
COPY --from=build /opt/cds /opt/cds
WORKDIR /srv
COPY LICENSE NOTICE ./
COPY rules ./rules
ENV PATH=/opt/cds/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CDS_RULES=/srv/rules \
    CDS_DATABASE_URL=sqlite:////srv/var/cds.sqlite3
# Feedback, and the tokens already seen. A named volume begins as a copy of the folder, with its owner.
VOLUME /srv/var
EXPOSE 5000
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('CDS_PORT', '5000') + '/healthz', timeout=2)"]
# Calls under way are finished: give it more than 10 s and CDS_DEADLINE_MS before it is killed.
STOPSIGNAL SIGTERM
ENTRYPOINT ["cds"]
CMD ["serve"]
