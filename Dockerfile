# The one image of DOFS: it runs on Lambda, under the Runtime Interface Emulator, and as a plain server.
# https://docs.aws.amazon.com/lambda/latest/dg/python-image.html

# Runs on the machine that builds, whatever the image is for: wheels are chosen for the target, bytecode is the same everywhere.
FROM --platform=${BUILDPLATFORM} public.ecr.aws/lambda/python:3.13 AS packages
ARG TARGETARCH
COPY requirements/image.txt .
RUN case "${TARGETARCH}" in \
      amd64) machine=x86_64 ;; \
      arm64) machine=aarch64 ;; \
      *) echo "Lambda runs on linux/amd64 and linux/arm64, not on ${TARGETARCH}" >&2; exit 1 ;; \
    esac \
 && pip install --quiet --no-cache-dir --no-compile --disable-pip-version-check --root-user-action=ignore \
      --require-hashes --only-binary=:all: --target /packages \
      --platform "manylinux_2_28_${machine}" --platform "manylinux_2_17_${machine}" --platform "manylinux2014_${machine}" \
      --requirement image.txt \
 && rm -r /packages/bin

# What compose's one-shot `deploy` runs: it needs the models of services that the function never calls.
FROM public.ecr.aws/lambda/python:3.13 AS provisioner
COPY --from=packages /packages .
COPY service service
COPY workflows workflows
RUN chmod -R a+rX .
USER 1000:1000
ENTRYPOINT ["python", "-m", "service.provisioning"]

FROM packages AS task
COPY service /packages/service
COPY tools/trim.py .
RUN python trim.py /packages \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /packages \
 && chmod -R a+rX /packages

FROM public.ecr.aws/lambda/python:3.13 AS function
ARG SOURCE=unknown
ARG REVISION=unknown
ARG VERSION=unknown
LABEL org.opencontainers.image.title="DOFS" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=task /packages ${LAMBDA_TASK_ROOT}
# pydantic would look for plugins among all installed distributions, at every start.
ENV PYDANTIC_DISABLE_PLUGINS=true
# On AWS, Lambda runs it as a user of its own whatever is said here.
USER 1000:1000
CMD ["service.function.handler"]
