{{- define "shelfstream.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough that role and ordinal fit into a host name. */}}
{{- define "shelfstream.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "shelfstream.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "shelfstream.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "shelfstream.selector" -}}
app.kubernetes.io/name: {{ include "shelfstream.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "shelfstream.labels" -}}
{{ include "shelfstream.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "shelfstream.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "shelfstream.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "shelfstream.fullname" .) -}}
{{- end -}}

{{/* The file of settings, for pods and for the job of the topics. */}}
{{- define "shelfstream.properties" -}}
kafka.bootstrap.servers = {{ .Values.kafka.bootstrapServers }}
kafka.security.protocol = {{ .Values.kafka.securityProtocol }}
{{- with .Values.kafka.saslMechanism }}
kafka.sasl.mechanism = {{ . }}
{{- end }}
{{- if .Values.kafka.caSecret }}
kafka.ssl.truststore.type = PEM
kafka.ssl.truststore.location = /etc/shelfstream/kafka/ca.pem
{{- end }}
schema.registry.url = {{ .Values.registry.url }}
{{- if .Values.registry.caSecret }}
schema.registry.ssl.truststore.type = PEM
schema.registry.ssl.truststore.location = /etc/shelfstream/registry/ca.pem
{{- end }}
{{- if not (hasKey .Values.settings "log.format") }}
log.format = json
{{- end }}
{{- range $key, $value := .Values.settings }}
{{ $key }} = {{ $value }}
{{- end }}
{{- end -}}

{{- define "shelfstream.environment" -}}
{{- with .Values.secrets.environment }}
envFrom:
{{- range . }}
  - secretRef:
      name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "shelfstream.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "shelfstream.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "shelfstream.mounts" -}}
- name: settings
  mountPath: /etc/shelfstream/shelfstream.properties
  subPath: shelfstream.properties
- name: tmp
  mountPath: /tmp
{{- if .Values.kafka.caSecret }}
- name: kafka-ca
  mountPath: /etc/shelfstream/kafka
  readOnly: true
{{- end }}
{{- if .Values.registry.caSecret }}
- name: registry-ca
  mountPath: /etc/shelfstream/registry
  readOnly: true
{{- end }}
{{- end -}}

{{- define "shelfstream.volumes" -}}
- name: tmp
  emptyDir: {}
{{- with .Values.kafka.caSecret }}
- name: kafka-ca
  secret:
    secretName: {{ . }}
    items: [{key: ca.pem, path: ca.pem}]
{{- end }}
{{- with .Values.registry.caSecret }}
- name: registry-ca
  secret:
    secretName: {{ . }}
    items: [{key: ca.pem, path: ca.pem}]
{{- end }}
{{- end -}}
