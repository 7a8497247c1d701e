# SPDX-License-Identifier: MIT
# The demo's report: one page that holds everything it shows. To be sourced.
# shellcheck shell=bash disable=SC2154

# escaped TEXT: as text of an HTML page. (Quoted, since a bare & stands for what was found.)
escaped() {
  local text=${1//&/"&amp;"}
  text=${text//</"&lt;"}
  printf %s "${text//>/"&gt;"}"
}

report_head() {
  cat <<'TEXT'
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>signerd: what the demo showed</title>
<style>
:root { --ink: #1b1f23; --soft: #5c6670; --line: #d5dae0; --page: #fff; --a: #0072b2; --b: #c2570c; --c: #00805a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --soft: #9aa5b1; --line: #3a424b; --page: #15181c; --a: #56b4e9; --b: #f0a04b; --c: #3fc79a; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 56rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
p.soft, td.soft, figcaption { color: var(--soft); }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top;
  padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
code, pre { font: .9rem/1.45 ui-monospace, monospace; } pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); }
figure { margin: 1rem 0; } svg { width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 12px; }
.cut { fill: var(--line); opacity: .5; } .grid { stroke: var(--line); } .a { stroke: var(--a); fill: var(--a); } .b { stroke: var(--b); fill: var(--b); }
.c { stroke: var(--c); fill: var(--c); } polyline { fill: none !important; stroke-width: 1.5; }
</style>
<h1>A key never leaves its device</h1>
TEXT
}

# chart FROM TO: the readings over time, drawn by awk from "PROBE SECONDS DEGREES WAY" lines; the line was cut from FROM
# to TO (seconds).
chart() {
  sort -n -k 2,2 | awk -v from="$1" -v to="$2" '
    { probe[NR] = $1; at[NR] = $2; degrees[NR] = $3; way[NR] = $4
      if (!($1 in index_of)) { index_of[$1] = ++probes; name[probes] = $1 }
      if (NR == 1 || $2 < first) first = $2
      if (NR == 1 || $2 > last) last = $2
      if (NR == 1 || $3 < low) low = $3
      if (NR == 1 || $3 > high) high = $3 }
    function x(seconds) { return 50 + 640 * (last > first ? (seconds - first) / (last - first) : 0) }
    function y(value) { return 230 - 200 * (value - low) / (high - low) }
    END {
      low = int(low) - 1; high = low + 4 * (int((high - low) / 4) + 1); letters = "abc"
      print "<svg viewBox=\"0 0 720 290\" role=\"img\" aria-label=\"temperature of each probe over time\">"
      if (from > first && to < last)
        printf "<rect class=\"cut\" x=\"%.1f\" y=\"30\" width=\"%.1f\" height=\"200\"/><text x=\"%.1f\" y=\"24\" text-anchor=\"middle\">line down</text>\n", x(from), x(to) - x(from), (x(from) + x(to)) / 2
      for (i = 0; i <= 4; i++) {
        value = low + (high - low) * i / 4
        printf "<line class=\"grid\" x1=\"50\" x2=\"690\" y1=\"%.1f\" y2=\"%.1f\"/>", y(value), y(value)
        printf "<text x=\"42\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>\n", y(value) + 4, value
      }
      for (i = 0; i <= 4; i++)
        printf "<text x=\"%.1f\" y=\"250\" text-anchor=\"middle\">%.0f s</text>\n", x(first + (last - first) * i / 4), (last - first) * i / 4
      for (p = 1; p <= probes; p++) {
        letter = substr(letters, (p - 1) % 3 + 1, 1)
        printf "<polyline class=\"%s\" points=\"", letter
        for (i = 1; i <= NR; i++) if (probe[i] == name[p]) printf "%.1f,%.1f ", x(at[i]), y(degrees[i])
        print "\"/>"
        for (i = 1; i <= NR; i++) if (probe[i] == name[p]) {
          if (way[i] == "HTTPS") printf "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"6\" height=\"6\"/>", letter, x(at[i]) - 3, y(degrees[i]) - 3
          else printf "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", letter, x(at[i]), y(degrees[i])
        }
        printf "<rect class=\"%s\" x=\"%d\" y=\"268\" width=\"10\" height=\"10\"/><text x=\"%d\" y=\"278\">%s</text>\n", letter, 50 + (p - 1) * 170, 66 + (p - 1) * 170, name[p]
      }
      print "</svg>"
    }'
}

plot() {
  local row way sensor time value
  for row in "${opened[@]}"; do
    read -r way sensor time value _ <<<"$row"
    printf '%s %s %s %s\n' "$sensor" "$(date -d "$time" +%s.%3N)" "$value" "$way"
  done | chart "$cut_from" "$cut_to"
}

evidence_rows() {
  local i
  for ((i = 0; i < ${#evidence[@]}; i += 3)); do
    printf '<tr><td>%s<td>%s<td><code>%s</code>\n' "${evidence[i]}" "$(escaped "${evidence[i + 1]}")" \
      "$(escaped "${evidence[i + 2]}")"
  done
}

reading_rows() {
  local row way sensor time value
  for row in "${opened[@]}"; do
    read -r way sensor time value _ <<<"$row"
    printf '<tr><td><code>%s</code><td class="soft">%s<td class="number">%s °C<td>%s<td>verified\n' \
      "$(escaped "$sensor")" "$(escaped "$time")" "$(escaped "$value")" "$way"
  done
}

report_body() {
  cat <<TEXT
<p class="soft">A run of scripts/demo on $(date -u '+%Y-%m-%d at %H:%M:%S UTC'). Every line below was shown by running it.</p>
<h2>Readings that arrived</h2>
<figure>
$(plot)
<figcaption>${#opened[@]} readings of ${#probes[@]} probes, each encrypted to its owner and signed with the key in the token, sent over mutual TLS
with that same key (● MQTT, ■ HTTPS), then verified and opened with <code>jose</code> and <code>openssl</code>, without any code of ours.</figcaption>
</figure>
<h2>The evidence</h2>
<table><tr><th><th>claim<th>proof
$(evidence_rows)
</table>
<p class="soft">“ok” was done, “no” was refused, as it must be.</p>
<details><summary>All ${#opened[@]} readings</summary>
<table><tr><th>probe<th>time (UTC)<th>value<th>way<th>
$(reading_rows)
</table></details>
<h2>What stood in for what</h2>
<table>
<tr><td>the device with the key<td>SoftHSM, a token in software: a real one is a line in signerd.conf
<tr><td>DS18B20 probes<td>files in exactly the kernel's format: with real ones, leave <code>--sensors</code> out
<tr><td>AWS IoT<td>mosquitto and nginx on this machine, which both demand a client certificate
</table>
<h2>What to do next</h2>
<pre>
eval "\$(scripts/sandbox up /tmp/try)"   # a signerd to play with: docs/FIRST-STEPS.md
signerctl keys list                     # what is in the token
signerd-provision key create --help     # a key and a certificate: docs/PROVISIONING.md
signerd-publisher --help                # send your own readings: docs/PUBLISHER.md
</pre>
</html>
TEXT
}

# write_report FILE
write_report() {
  { report_head && report_body; } >"$1.new" && mv "$1.new" "$1"
}
