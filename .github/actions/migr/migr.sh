#!/bin/sh
# Steps of the action: `base` finds what a pull request is compared with, `check` reports findings, `upload` hands them to code scanning, `comment` says in one comment
# what changes. Needs git and jq, and curl for `upload` and `comment`.
set -eu

migr=${MIGR:-migr}
path=${MIGR_PATH:-.}

say() { printf '%s\n' "$*" >&2; }

# A value of the event that the workflow runs for; empty where it has none.
event() { jq -r "$1 // empty" "${GITHUB_EVENT_PATH:-/dev/null}" 2>/dev/null || true; }

base() {
  base=$(event .pull_request.base.sha)
  if [ -n "$base" ] && ! git cat-file -e "$base^{commit}" 2>/dev/null; then
    # A checkout of one commit does not have it.
    git fetch --quiet --depth=1 origin "$base"
  fi
  printf 'base=%s\n' "$base" >> "$GITHUB_OUTPUT"
}

check() {
  if [ -n "${MIGR_SARIF:-}" ]; then
    # Its exit code is that of the check below.
    "$migr" check "$path" --format sarif > "$MIGR_SARIF" || true
  fi
  set -- check "$path" --format github
  if [ -n "${MIGR_DENY:-}" ]; then set -- "$@" --deny "$MIGR_DENY"; fi
  if [ "${MIGR_SINCE_BASE:-false}" = true ] && [ -n "${MIGR_BASE:-}" ]; then set -- "$@" --base "$MIGR_BASE"; fi
  "$migr" "$@"
}

# A request to the host: method, address below the API's, and a file with the body.
request() {
  method=$1 address=$2 body=${3:-}
  set -- --silent --show-error --fail --request "$method" \
    --header 'Accept: application/vnd.github+json' --header "Authorization: Bearer $MIGR_TOKEN"
  if [ -n "$body" ]; then set -- "$@" --header 'Content-Type: application/json' --data "@$body"; fi
  curl "$@" "${GITHUB_API_URL:-https://api.github.com}/repos/$GITHUB_REPOSITORY/$address"
}

upload() {
  if [ ! -s "${MIGR_SARIF:-}" ]; then say "there are no findings to upload"; return; fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  gzip -c "$MIGR_SARIF" | base64 | tr -d '\n' > "$work/sarif"
  jq -n --arg commit "$GITHUB_SHA" --arg ref "$GITHUB_REF" --arg place "file://$PWD" --rawfile sarif "$work/sarif" \
    '{commit_sha: $commit, ref: $ref, sarif: $sarif, checkout_uri: $place, tool_name: "migr"}' > "$work/body"
  # The token of a pull request from a fork may not write, and not every repository has code scanning: the check still counts.
  request POST code-scanning/sarifs "$work/body" > /dev/null || say "the findings cannot be uploaded to code scanning"
}

# What the comment says: the change by meaning, the whole plan where there was none before, or that there is no plan.
changes() {
  if "$migr" plan "$path" --base "$MIGR_BASE" --format markdown 2> "$work/news"; then return; fi
  if "$migr" plan "$path" --format markdown 2>/dev/null; then return; fi
  printf 'The spec has errors, so there is no plan. `migr check` lists them.\n'
}

comment() {
  number=$(event .pull_request.number)
  if [ -z "$number" ]; then say "no pull request, so no comment"; return; fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  marker="<!-- migr plan: $path -->"
  changes > "$work/changes"
  jq -n --arg marker "$marker" --arg path "$path" --rawfile changes "$work/changes" \
    '{body: ($marker + "\n### What this changes in the migration `" + $path + "`\n\n" + $changes)}' > "$work/body"
  page=1 found=
  while :; do
    request GET "issues/$number/comments?per_page=100&page=$page" > "$work/page" || { say "the comments cannot be read"; return; }
    found=$(jq -r --arg marker "$marker" --arg author "$MIGR_AUTHOR" \
      'map(select((.body // "" | startswith($marker)) and .user.login == $author)) | .[0].id // empty' "$work/page")
    if [ -n "$found" ] || [ "$(jq length "$work/page")" -lt 100 ]; then break; fi
    page=$((page + 1))
  done
  # The token of a pull request from a fork may not write: the check still counts.
  if [ -n "$found" ]; then
    request PATCH "issues/comments/$found" "$work/body" > /dev/null || say "the comment cannot be changed"
  else
    request POST "issues/$number/comments" "$work/body" > /dev/null || say "the comment cannot be written"
  fi
}

case ${MIGR_STEP:-} in
  base | check | upload | comment) "$MIGR_STEP" ;;
  *) say "MIGR_STEP is base, check, upload or comment"; exit 2 ;;
esac
