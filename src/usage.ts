/** What `--help` prints. */
export const usage = `jwks-sidecar: verifies bearer tokens in front of an API and forwards what is allowed.

usage: jwks-sidecar [command] [options]

commands
  run      start the traffic port and the admin port (default)
  check    print every fault of the config, with its place; --online also asks issuers and upstreams
  explain  run the gateway's own checks over a token and print what each of them says
  health   ask a running sidecar whether it is live, for a container's health check
  schema   print the JSON Schema of the config file
  demo     a sidecar, an OpenID Connect issuer and an echo upstream in one process, with a guided tour

options
  --config FILE   default: $SIDECAR_CONFIG, ./config/sidecar.yaml, /etc/jwks-sidecar/sidecar.yaml; with no file,
                  SIDECAR_UPSTREAM, SIDECAR_ISSUER and SIDECAR_AUDIENCE are enough
  --help          this text, or that of a command
  --version       the version
`;

/** What `--help` prints for each command. */
export const helps: Readonly<Record<string, string>> = {
  run: `usage: jwks-sidecar run [--config FILE]

Starts the traffic port (8080) and the admin port (9090). SIGTERM and SIGINT drain; a second one ends at once.
SIGHUP, and any change of the config or of a file that it names, reloads; a config with faults changes nothing.
SIGUSR2 turns the log's debug lines on, and off again.
exit: 0 after a clean drain, 1 on a runtime failure or when the drain had to cut connections, 2 on bad config
`,
  check: `usage: jwks-sidecar check [--config FILE] [--online]

Prints every error of the config, each with its path, line and column, then warnings about what is dangerous and notes
with advice, and counts them.
  --online   also fetches each issuer's metadata and keys and dials each upstream
exit: 0 when all is well, 2 otherwise
`,
  explain: `usage: jwks-sidecar explain [--config FILE] [--method M] [--path P] [--json] [TOKEN | -]

Runs the gateway's own checks over a token, in their order, and prints what each of them says. Without TOKEN, or with
"-", it is read from standard input, which keeps it out of the shell's history. The keys of its issuer are fetched.
  --method M   of the request, default GET
  --path P     of the request, default /
  --json       the same as JSON
exit: 0 allowed, 1 denied, 2 on bad usage or bad config
`,
  health: `usage: jwks-sidecar health [--config FILE]

Asks /livez on the admin port of the config, from the same machine.
exit: 0 live, 1 not, 2 on bad config
`,
  schema: `usage: jwks-sidecar schema

Prints the JSON Schema of the config file, for editors and pipelines.
`,
  demo: `usage: jwks-sidecar demo [--once]

From a checkout: starts an OpenID Connect issuer, an echo upstream and the sidecar between them, runs a guided tour
and keeps serving.
  --once   ends after the tour
exit: 0, 1 if a step did not answer as it should, 2 where the issuer's package is not installed
`,
};
