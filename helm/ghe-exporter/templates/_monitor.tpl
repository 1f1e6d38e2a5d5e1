{{/* Given root and monitor: metadata of a monitor. */}}
{{- define "ghe-exporter.monitorMetadata" -}}
name: {{ include "ghe-exporter.fullname" .root | quote }}
namespace: {{ default .root.Release.Namespace .monitor.namespace | quote }}
labels:
  {{- merge (deepCopy .monitor.labels) (include "ghe-exporter.labels" .root | fromYaml) | toYaml | nindent 2 }}
{{- with .monitor.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Given root and monitor: what to scrape of each endpoint. */}}
{{- define "ghe-exporter.monitorEndpoint" -}}
port: metrics
path: /metrics
scheme: {{ include "ghe-exporter.scheme" .root }}
{{- with .monitor.interval }}
interval: {{ . }}
{{- end }}
{{- with .monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- if eq (include "ghe-exporter.scheme" .root) "https" }}
{{- with .monitor.tlsConfig }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .monitor.basicAuth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .monitor.relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Which objects a monitor is about. */}}
{{- define "ghe-exporter.monitorSelection" -}}
jobLabel: app.kubernetes.io/name
namespaceSelector:
  matchNames:
    - {{ .Release.Namespace }}
selector:
  matchLabels:
    {{- include "ghe-exporter.selectorLabels" . | nindent 4 }}
{{- end -}}
