# One image for the web server, its default command, and for the worker (`gradviz worker`); compose.yaml runs both.
# docker build -t gradviz . && docker run -p 127.0.0.1:8050:8050 -v gradviz:/home/gradviz/checkpoints gradviz
# torch comes as pip finds it, with CUDA on most machines. For a small image without, name PyTorch's CPU wheel index:
# docker build --build-arg PIP_EXTRA_INDEX_URL=...
FROM python:3.12-slim AS build
ARG PIP_EXTRA_INDEX_URL=
WORKDIR /src
RUN python -m venv /opt/gradviz
ENV PATH=/opt/gradviz/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY constraints.txt pyproject.toml README.md LICENSE ./
RUN pip install --constraint constraints.txt torch
COPY assets assets
COPY gradviz gradviz
RUN pip install --constraint constraints.txt .

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 gradviz
COPY --from=build /opt/gradviz /opt/gradviz
USER 1000
WORKDIR /home/gradviz
RUN mkdir checkpoints cache
ENV PATH=/opt/gradviz/bin:$PATH PYTHONUNBUFFERED=1 \
    GRADVIZ_HOST=0.0.0.0 GRADVIZ_PORT=8050 \
    GRADVIZ_RUNS=/home/gradviz/checkpoints GRADVIZ_CACHE_DIR=/home/gradviz/cache
VOLUME /home/gradviz/checkpoints
EXPOSE 8050
# For the web server; compose.yaml has another for the worker.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8050/healthz', timeout=4)"]
CMD ["gradviz", "serve"]
