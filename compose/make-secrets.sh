#!/bin/sh
# Makes the secrets that compose.yaml reads, in secrets/ beside it: random ones, once. There are no defaults.
set -eu
cd "$(dirname "$0")"
if [ -e secrets ]; then
  echo "compose/secrets is there already: nothing is changed" >&2
  exit 1
fi
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
postgres=$(random 24)
key="mr_$(random 20)"

mkdir -m 700 secrets.new
printf '%s' "$postgres" > secrets.new/postgres_password
cat > secrets.new/s3.env << EOF
AWS_ACCESS_KEY_ID=$(random 10)
AWS_SECRET_ACCESS_KEY=$(random 24)
EOF
cat > secrets.new/millrace.env << EOF
MILLRACE_API_KEY=$key
MILLRACE_POSTGRES_URL=postgres://millrace:$postgres@postgres:5432/millrace
EOF
# The containers' users are others than you: they may read the files, and nobody else can enter the folder.
chmod 644 secrets.new/*
mv secrets.new secrets
echo "compose/secrets is made. The API key: $key"
