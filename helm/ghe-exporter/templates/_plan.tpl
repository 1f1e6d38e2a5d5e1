{{/* Which shard reads what, and with which credential. */}}

{{- define "ghe-exporter.stateDir" -}}
{{- default (.Values.persistence.enabled | ternary "/var/lib/ghe-exporter" "") .Values.config.state_dir -}}
{{- end -}}

{{- define "ghe-exporter.port" -}}
{{- default "10204" (regexFind "[0-9]+$" (default "" .Values.config.listen)) -}}
{{- end -}}

{{/* The credentials as JSON: each with the volume and folder of its files, and the setting it becomes. */}}
{{- define "ghe-exporter.credentials" -}}
{{- $credentials := list -}}
{{- range $index, $given := .Values.credentials -}}
  {{- $place := printf "credentials[%d] (%s)" $index $given.enterprise -}}
  {{- $use := "auth" -}}
  {{- if and $given.passwordKey (or $given.runner $given.organization $given.tokenKey $given.appIdKey $given.privateKeyKey) -}}
    {{- fail (printf "%s: passwordKey is for manage_auth, and goes with none of the other keys" $place) -}}
  {{- else if $given.passwordKey -}}
    {{- $use = "manage_auth" -}}
  {{- else if and $given.runner $given.organization -}}
    {{- fail (printf "%s: give one of runner and organization" $place) -}}
  {{- else if $given.runner -}}
    {{- $use = "runner_auth" -}}
  {{- else if $given.organization -}}
    {{- $use = printf "organization-%s" $given.organization -}}
  {{- end -}}
  {{- /* A name may hold what no path may. */ -}}
  {{- $safe := regexReplaceAll "[^A-Za-z0-9_-]" $given.enterprise "-" -}}
  {{- if ne $safe $given.enterprise -}}
    {{- $safe = printf "%s-%s" $safe (sha256sum $given.enterprise | trunc 8) -}}
  {{- end -}}
  {{- $folder := printf "/etc/ghe-exporter/credentials/%s/%s" $safe $use -}}
  {{- $auth := dict -}}
  {{- $items := list -}}
  {{- if $given.passwordKey -}}
    {{- $auth = dict "password_file" (printf "%s/password" $folder) -}}
    {{- $items = list (dict "key" $given.passwordKey "path" "password") -}}
  {{- else if and $given.tokenKey (not $given.appIdKey) (not $given.privateKeyKey) -}}
    {{- $auth = dict "token_file" (printf "%s/token" $folder) -}}
    {{- $items = list (dict "key" $given.tokenKey "path" "token") -}}
  {{- else if and $given.appIdKey $given.privateKeyKey (not $given.tokenKey) -}}
    {{- $auth = dict "app_id_file" (printf "%s/app-id" $folder) "private_key_file" (printf "%s/private-key.pem" $folder) -}}
    {{- $items = list (dict "key" $given.appIdKey "path" "app-id") (dict "key" $given.privateKeyKey "path" "private-key.pem") -}}
  {{- else -}}
    {{- fail (printf "%s: give tokenKey, or appIdKey with privateKeyKey, or passwordKey" $place) -}}
  {{- end -}}
  {{- range $credentials -}}
    {{- if eq (lower .folder) (lower $folder) -}}{{- fail (printf "%s: there are two credentials for the same use" $place) -}}{{- end -}}
  {{- end -}}
  {{- $credentials = append $credentials (dict "place" $place "enterprise" $given.enterprise "organization" ($given.organization | default "") "use" $use "secret" $given.existingSecret "volume" (printf "credential-%d" $index) "folder" $folder "auth" $auth "items" $items) -}}
{{- end -}}
{{- toJson $credentials -}}
{{- end -}}

{{/* Given an enterprise of the configuration: what credentials and shards call it. */}}
{{- define "ghe-exporter.enterpriseName" -}}
{{- default .slug .name -}}
{{- end -}}

{{/* The enterprises of the configuration with their credentials, as JSON. */}}
{{- define "ghe-exporter.enterprises" -}}
{{- $credentials := include "ghe-exporter.credentials" . | fromJsonArray -}}
{{- $listed := default list .Values.config.enterprises -}}
{{- if not $listed -}}
  {{- $known := list -}}
  {{- range $credentials -}}
    {{- if not (regexMatch "^[A-Za-z0-9][A-Za-z0-9_-]*$" .enterprise) -}}
      {{- fail (printf "%s: this is no slug; give config.enterprises the slug and this as its name" .place) -}}
    {{- end -}}
    {{- if not (has (lower .enterprise) $known) -}}{{- $listed = append $listed (dict "slug" .enterprise) -}}{{- end -}}
    {{- $known = append $known (lower .enterprise) -}}
  {{- end -}}
{{- end -}}
{{- $names := list -}}
{{- range $listed -}}
  {{- $name := include "ghe-exporter.enterpriseName" . -}}
  {{- if has (lower $name) $names -}}
    {{- fail (printf "config.enterprises: %s is there twice; give one of them another name" $name) -}}
  {{- end -}}
  {{- $names = append $names (lower $name) -}}
{{- end -}}
{{- range $credentials -}}
  {{- if not (has (lower .enterprise) $names) -}}
    {{- fail (printf "%s: config.enterprises has no such enterprise, only %s" .place (join ", " $names)) -}}
  {{- end -}}
{{- end -}}
{{- $enterprises := list -}}
{{- range $listed -}}
  {{- $enterprise := deepCopy . -}}
  {{- $name := include "ghe-exporter.enterpriseName" . -}}
  {{- /* A list of organizations; or `auto`, or a mapping, whose list is `named`. */ -}}
  {{- $given := default list .organizations -}}
  {{- $found := dict -}}
  {{- if kindIs "string" $given -}}
    {{- $found = dict "auto" true -}}
    {{- $given = list -}}
  {{- else if kindIs "map" $given -}}
    {{- $found = omit $given "named" -}}
    {{- $given = default list $given.named -}}
  {{- end -}}
  {{- $organizations := list -}}
  {{- range $given -}}
    {{- $organizations = append $organizations (kindIs "string" . | ternary (dict "name" .) .) -}}
  {{- end -}}
  {{- range $credential := $credentials -}}
    {{- if ne (lower $credential.enterprise) (lower $name) -}}
    {{- else if $credential.organization -}}
      {{- $others := list -}}
      {{- $organization := dict "name" $credential.organization -}}
      {{- range $organizations -}}
        {{- if eq (lower .name) (lower $credential.organization) -}}{{- $organization = . -}}{{- else -}}{{- $others = append $others . -}}{{- end -}}
      {{- end -}}
      {{- $organizations = append $others (merge (dict "auth" $credential.auth) $organization) -}}
    {{- else if eq $credential.use "manage_auth" -}}
      {{- $known := default dict $enterprise.manage_auth -}}
      {{- if not (and $enterprise.manage_url $known.username) -}}
        {{- fail (printf "%s: give config.enterprises[].manage_url and manage_auth.username" $credential.place) -}}
      {{- end -}}
      {{- $_ := set $enterprise "manage_auth" (merge $credential.auth $known) -}}
    {{- else -}}
      {{- $_ := set $enterprise $credential.use $credential.auth -}}
    {{- end -}}
  {{- end -}}
  {{- if $organizations -}}
    {{- $_ := set $enterprise "organizations" (empty $found | ternary $organizations (merge (dict "named" $organizations) $found)) -}}
  {{- end -}}
  {{- $enterprises = append $enterprises $enterprise -}}
{{- end -}}
{{- toJson $enterprises -}}
{{- end -}}

{{/* The ports of the management APIs in the configuration, but 443, as JSON. */}}
{{- define "ghe-exporter.managementPorts" -}}
{{- $ports := list -}}
{{- range include "ghe-exporter.enterprises" . | fromJsonArray -}}
  {{- with regexFind ":[0-9]+(/|$)" (default "" .manage_url) -}}{{- $ports = append $ports (regexFind "[0-9]+" . | int) -}}{{- end -}}
{{- end -}}
{{- toJson (without (uniq $ports) 443) -}}
{{- end -}}

{{/* The shards as JSON: name, name of their objects, enterprises, credentials, and the configuration's text. */}}
{{- define "ghe-exporter.plan" -}}
{{- $root := . -}}
{{- $full := include "ghe-exporter.fullname" . -}}
{{- $enterprises := include "ghe-exporter.enterprises" . | fromJsonArray -}}
{{- $shards := list -}}
{{- if kindIs "slice" .Values.shards -}}
  {{- $left := list -}}
  {{- range $enterprises -}}{{- $left = append $left (include "ghe-exporter.enterpriseName" . | lower) -}}{{- end -}}
  {{- range $shard := .Values.shards -}}
    {{- range $shards -}}{{- if eq .name $shard.name -}}{{- fail (printf "shards: %s is there twice" .name) -}}{{- end -}}{{- end -}}
    {{- $own := list -}}
    {{- range $name := $shard.enterprises -}}
      {{- if not (has (lower $name) $left) -}}
        {{- fail (printf "shards: %s: %s is in another shard already, or not in config.enterprises" $shard.name $name) -}}
      {{- end -}}
      {{- $left = without $left (lower $name) -}}
      {{- range $enterprises -}}
        {{- if eq (include "ghe-exporter.enterpriseName" . | lower) (lower $name) -}}{{- $own = append $own . -}}{{- end -}}
      {{- end -}}
    {{- end -}}
    {{- $shards = append $shards (dict "name" $shard.name "object" (printf "%s-%s" $full $shard.name) "enterprises" $own) -}}
  {{- end -}}
  {{- if $left -}}{{- fail (printf "shards: no shard has %s" (join ", " $left)) -}}{{- end -}}
{{- else -}}
  {{- $number := int .Values.shards -}}
  {{- range $shard := until $number -}}
    {{- $own := list -}}
    {{- range $place, $enterprise := $enterprises -}}
      {{- if eq (mod $place $number) $shard -}}{{- $own = append $own $enterprise -}}{{- end -}}
    {{- end -}}
    {{- if or $own (eq $shard 0) -}}
      {{- $object := gt $number 1 | ternary (printf "%s-%d" $full $shard) $full -}}
      {{- $shards = append $shards (dict "name" (toString $shard) "object" $object "enterprises" $own) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- if .Values.persistence.enabled -}}
  {{- if gt (int .Values.replicaCount) 1 -}}{{- fail "persistence: two replicas cannot share a state_dir; set replicaCount to 1, or persistence.enabled to false" -}}{{- end -}}
  {{- if and .Values.persistence.existingClaim (gt (len $shards) 1) -}}{{- fail "persistence.existingClaim: one claim cannot serve several shards" -}}{{- end -}}
{{- end -}}
{{- $credentials := include "ghe-exporter.credentials" . | fromJsonArray -}}
{{- range $shard := $shards -}}
  {{- $names := list -}}
  {{- range $shard.enterprises -}}{{- $names = append $names (include "ghe-exporter.enterpriseName" . | lower) -}}{{- end -}}
  {{- $own := list -}}
  {{- range $credentials -}}{{- if has (lower .enterprise) $names -}}{{- $own = append $own . -}}{{- end -}}{{- end -}}
  {{- $config := omit $root.Values.config "enterprises" -}}
  {{- if $shard.enterprises -}}{{- $_ := set $config "enterprises" $shard.enterprises -}}{{- end -}}
  {{- with include "ghe-exporter.stateDir" $root -}}{{- $_ := set $config "state_dir" . -}}{{- end -}}
  {{- $_ := set $shard "credentials" $own -}}
  {{- $_ := set $shard "config" (toYaml $config) -}}
{{- end -}}
{{- toJson $shards -}}
{{- end -}}
