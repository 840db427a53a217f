# Builds the image of DOFS, which runs on Lambda, under the Runtime Interface Emulator, and as a server.
# https://docs.aws.amazon.com/lambda/latest/dg/python-image.html

# Runs on the build machine's platform: pip selects the wheels of the target platform, and bytecode is platform-independent.
FROM --platform=${BUILDPLATFORM} public.ecr.aws/lambda/python:3.13 AS packages
ARG TARGETARCH
COPY requirements/image.txt .
RUN case "${TARGETARCH}" in \
      amd64) machine=x86_64 ;; \
      arm64) machine=aarch64 ;; \
      *) echo "Lambda supports linux/amd64 and linux/arm64, not ${TARGETARCH}" >&2; exit 1 ;; \
    esac \
 && pip install --quiet --no-cache-dir --no-compile --disable-pip-version-check --root-user-action=ignore \
      --require-hashes --only-binary=:all: --target /packages \
      --platform "manylinux_2_28_${machine}" --platform "manylinux_2_17_${machine}" --platform "manylinux2014_${machine}" \
      --requirement image.txt \
 && rm -r /packages/bin

# The image of the compose service `deploy`. It has botocore's models of the services that the function never calls.
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
# Otherwise pydantic searches all installed distributions for plugins at each start.
ENV PYDANTIC_DISABLE_PLUGINS=true
# Lambda on AWS ignores USER and runs the image as its own user.
USER 1000:1000
CMD ["service.function.handler"]
