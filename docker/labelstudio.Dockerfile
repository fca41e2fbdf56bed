# Label Studio with LabelCue's plugin, several server processes behind gunicorn, for PostgreSQL.
# From the repository's root: docker build -f docker/labelstudio.Dockerfile -t labelcue-labelstudio .
FROM python:3.11.13-slim-bookworm AS plugin
WORKDIR /build
COPY requirements.lock .
# The lock names the versions.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir --constraint requirements.lock hatchling
COPY plugin plugin
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels ./plugin

FROM python:3.11.13-slim-bookworm
# All of what the tests run Label Studio with, and the server in front of it.
COPY backend/labelcue/demo/labelstudio.lock docker/labelstudio-server.lock /build/
RUN pip install --no-cache-dir --no-deps -r /build/labelstudio.lock -r /build/labelstudio-server.lock
COPY --from=plugin /wheels /wheels
RUN pip install --no-cache-dir --no-deps /wheels/*.whl \
 && groupadd --gid 10001 studio && useradd --uid 10001 --gid 10001 --no-create-home studio \
 && install -d -o 10001 -g 10001 /data
COPY --chmod=0755 docker/labelstudio-start /usr/local/bin/labelstudio-start
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/data LABEL_STUDIO_BASE_DATA_DIR=/data \
    DJANGO_SETTINGS_MODULE=labelcue_plugin.settings DJANGO_DB=default
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10m --retries=6 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=4)"]
CMD ["labelstudio-start"]
