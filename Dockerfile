# The collector against a ClickHouse server: small, not root, without the embedded engine.
# Build: docker build -t spanledger-collector .
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/spanledger
COPY pyproject.toml constraints.txt README.md CHANGELOG.md LICENSE ./
COPY sdk sdk
COPY collector collector
# The exact versions that the tests run with.
RUN /opt/spanledger/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".[server]" \
    && /opt/spanledger/bin/pip uninstall --yes pip

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --user-group --no-create-home spanledger \
    && install -d -o spanledger -g spanledger -m 0700 /var/lib/spanledger
COPY --from=build /opt/spanledger /opt/spanledger
ENV PATH=/opt/spanledger/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SPANLEDGER_HOST=0.0.0.0 \
    SPANLEDGER_DATA_DIR=/var/lib/spanledger
USER 10001:10001
VOLUME /var/lib/spanledger
EXPOSE 4317 4318 4319
# Asks as the settings say: the port, TLS, names.
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=4 CMD ["spanledger", "health"]
ENTRYPOINT ["spanledger"]
CMD ["up"]
