{{/* Given probe, path and scheme: the probe, asking that path unless it brings its own handler. */}}
{{- define "ghe-exporter.probe" -}}
{{- $probe := deepCopy .probe -}}
{{- if not (or $probe.httpGet $probe.tcpSocket $probe.exec $probe.grpc) -}}
{{- $_ := set $probe "httpGet" (dict "path" .path "port" "metrics" "scheme" .scheme) -}}
{{- end -}}
{{- toYaml $probe -}}
{{- end -}}
