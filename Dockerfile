# The chat in a container. `docker build -t release-assistant . && docker run -p 127.0.0.1:7860:7860 -v releases:/home/app/data release-assistant`
FROM python:3.12-slim
RUN useradd --create-home app
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY data data
COPY assistant assistant
COPY ingest ingest
COPY eval eval
COPY ui ui
RUN pip install --no-cache-dir --constraint constraints.txt .
USER app
WORKDIR /home/app
RUN mkdir data
ENV RELEASE_ASSISTANT_HOME=/home/app/data RELEASE_ASSISTANT_HOST=0.0.0.0 RELEASE_ASSISTANT_PORT=7860
VOLUME /home/app/data
EXPOSE 7860
HEALTHCHECK --interval=30s --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/readyz', timeout=5)"]
CMD ["release-assistant", "ui"]
