{{- define "lstm-stream.name" -}}
{{- .Chart.Name -}}
{{- end -}}

{{/* The release's name, with the chart's where it does not have it already. 52 characters leave room for a pod's number. */}}
{{- define "lstm-stream.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "lstm-stream.selector" -}}
app.kubernetes.io/name: {{ include "lstm-stream.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the pod of `helm test`, which is no worker and behind no service. */}}
{{- define "lstm-stream.testSelector" -}}
app.kubernetes.io/name: {{ include "lstm-stream.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lstm-stream.labels" -}}
{{ include "lstm-stream.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "lstm-stream.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "lstm-stream.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "lstm-stream.fullname" .) }}
{{- end -}}

{{- define "lstm-stream.scheme" -}}
{{ empty .Values.secrets.webCertificate.name | ternary "http" "https" }}
{{- end -}}

{{/* Each section of the settings as TOML: a JSON text, number, truth or list of such is one of TOML too. */}}
{{- define "lstm-stream.toml" -}}
{{- range $section, $keys := .Values.settings -}}
[{{ $section }}]
{{- range $key, $value := $keys }}
{{ $key }} = {{ toJson $value }}
{{- end }}
{{ end -}}
{{- end -}}

{{/* What the pods of the daemon and of the test share. */}}
{{- define "lstm-stream.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "lstm-stream.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "lstm-stream.environment" -}}
{{- with .Values.secrets.saslPassword }}
{{- if .name }}
- name: LSTM_STREAM_KAFKA__SASL_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
{{- end }}
{{- end }}
{{- if .Values.secrets.authority.name }}
- name: LSTM_STREAM_KAFKA__SSL_CAFILE
  value: /etc/lstm-stream/authority/{{ .Values.secrets.authority.key }}
{{- end }}
{{- if .Values.secrets.certificate.name }}
- name: LSTM_STREAM_KAFKA__SSL_CERTFILE
  value: /etc/lstm-stream/certificate/{{ .Values.secrets.certificate.certificate }}
- name: LSTM_STREAM_KAFKA__SSL_KEYFILE
  value: /etc/lstm-stream/certificate/{{ .Values.secrets.certificate.key }}
{{- end }}
{{- if .Values.secrets.webCertificate.name }}
- name: LSTM_STREAM_WEB__TLS_CERTFILE
  value: /etc/lstm-stream/web/{{ .Values.secrets.webCertificate.certificate }}
- name: LSTM_STREAM_WEB__TLS_KEYFILE
  value: /etc/lstm-stream/web/{{ .Values.secrets.webCertificate.key }}
{{- end }}
{{- with .Values.secrets.webToken }}
{{- if .name }}
- name: LSTM_STREAM_WEB__TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
{{- end }}
{{- end }}
{{- if .Values.weights.configMap }}
- name: LSTM_STREAM_MODEL__WEIGHTS
  value: /etc/lstm-stream/weights/{{ .Values.weights.key }}
{{- end }}
{{- range $name, $value := .Values.environment }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "lstm-stream.environmentFrom" -}}
{{- range .Values.secrets.environment }}
- secretRef:
    name: {{ . }}
{{- end }}
{{- end -}}

{{- define "lstm-stream.mounts" -}}
- name: settings
  mountPath: /etc/lstm-stream/lstm-stream.toml
  subPath: lstm-stream.toml
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- if .Values.secrets.authority.name }}
- name: authority
  mountPath: /etc/lstm-stream/authority
  readOnly: true
{{- end }}
{{- if .Values.secrets.certificate.name }}
- name: certificate
  mountPath: /etc/lstm-stream/certificate
  readOnly: true
{{- end }}
{{- if .Values.secrets.webCertificate.name }}
- name: web
  mountPath: /etc/lstm-stream/web
  readOnly: true
{{- end }}
{{- if .Values.weights.configMap }}
- name: weights
  mountPath: /etc/lstm-stream/weights
  readOnly: true
{{- end }}
{{- end -}}

{{- define "lstm-stream.volumes" -}}
- name: settings
  configMap:
    name: {{ include "lstm-stream.fullname" . }}
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
{{- with .Values.weights.configMap }}
- name: weights
  configMap:
    name: {{ . }}
{{- end }}
{{- with .Values.secrets.authority }}
{{- if .name }}
- name: authority
  secret:
    secretName: {{ .name }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- with .Values.secrets.certificate }}
{{- if .name }}
- name: certificate
  secret:
    secretName: {{ .name }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- with .Values.secrets.webCertificate }}
{{- if .name }}
- name: web
  secret:
    secretName: {{ .name }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- end -}}
