{{/* Names, labels and the image. */}}

{{- define "ghe-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/*
A release may be called 2024.Acme_1; a service may not. Room is left for what follows: a shard, a dashboard. What is cut
off stays in a hash, so that two long names remain two.
*/}}
{{- define "ghe-exporter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- $full = default $full .Values.fullnameOverride -}}
{{- $name = regexReplaceAll "[^a-z0-9-]" (lower $full) "-" -}}
{{- $name = regexReplaceAll "^([^a-z])" $name "ghe-${1}" -}}
{{- if gt (len $name) 40 -}}
  {{- $name = printf "%s-%s" (trunc 31 $name | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- end -}}
{{- trimAll "-" $name -}}
{{- end -}}

{{- define "ghe-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ghe-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "ghe-exporter.labels" -}}
{{- $labels := include "ghe-exporter.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $labels "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .Release.Service -}}
{{- merge $labels .Values.commonLabels | toYaml -}}
{{- end -}}

{{- define "ghe-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ghe-exporter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "ghe-exporter.image" -}}
{{- $registry := default .Values.image.registry .Values.global.imageRegistry -}}
{{- if $registry }}{{ $registry }}/{{ end -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end -}}
{{- end -}}

{{- define "ghe-exporter.scheme" -}}
{{- $file := or .Values.webConfig.existingSecret (dig "web" "config_file" "" .Values.config) -}}
{{- if and .Values.webConfig.tlsSecret (not $file) -}}
  {{- fail "webConfig.tlsSecret: without webConfig.existingSecret, whose file names the certificate, there is no TLS" -}}
{{- end -}}
{{- if and $file .Values.webConfig.tls }}https{{ else }}http{{ end -}}
{{- end -}}

{{/* Given root, values, and what they are: YAML with its templates filled in. */}}
{{- define "ghe-exporter.filled" -}}
{{- $text := kindIs "string" .value | ternary .value (toYaml .value) -}}
{{- tpl $text .root -}}
{{- end -}}
