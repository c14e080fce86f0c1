# The pages are embedded (web/ui/dist is committed), so Go is all that this needs.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags "-s -w -X main.version=${VERSION}" -o /pitboss ./cmd/pitboss

# The platform's process writes archives of casinos by pg_dump: docker build --target platform.
FROM postgres:17.6 AS platform
COPY --from=build /pitboss /pitboss
RUN install -d -o postgres -g postgres -m 700 /archive
USER postgres
ENTRYPOINT ["/pitboss"]
CMD ["platform", "--archives", "/archive"]

# One static program, no shell, no root. The certificates are for servers that a node calls.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /pitboss /pitboss
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s CMD ["/pitboss", "health"]
ENTRYPOINT ["/pitboss"]
CMD ["serve"]
