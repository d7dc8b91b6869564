{{- define "xim.task" -}}
{{- $tasks := .Files.Get "files/tasks.yaml" | fromYaml -}}
{{- if not .Values.service -}}{{- fail "service is empty. Pass the values of a service: -f apps/<service>/values.yaml" -}}{{- end -}}
{{- if not (hasKey $tasks .Values.task) -}}{{- fail (printf "task %q is not known. Expected one of: %s" .Values.task (keys $tasks | sortAlpha | join ", ")) -}}{{- end -}}
{{- get $tasks .Values.task | toYaml -}}
{{- end -}}

{{- define "xim.name" -}}
{{- if eq .Release.Name .Values.service -}}{{ .Values.service }}{{- else -}}{{ printf "%s-%s" .Release.Name .Values.service | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "xim.selector" -}}
app.kubernetes.io/name: {{ .Values.service }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "xim.labels" -}}
{{ include "xim.selector" . }}
app.kubernetes.io/part-of: xim
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "xim.image" -}}
{{- $repository := .Values.image.repository | default (printf "ccr-registry.caas.intel.com/opea-xim/%s" .Values.service) -}}
{{- if .Values.image.digest -}}{{ $repository }}@{{ .Values.image.digest }}
{{- else if .Values.image.tag -}}{{ $repository }}:{{ .Values.image.tag }}
{{- else -}}{{- fail "image.tag and image.digest are empty. Set the version that was pushed: --set image.tag=0.1.0" -}}{{- end -}}
{{- end -}}

{{/* The claim of a shared or existing cache; empty where each pod has its own. */}}
{{- define "xim.claim" -}}
{{- $cache := .Values.models.cache -}}
{{- if eq .Values.models.from "claim" -}}
{{- required "models.from is \"claim\", so models.cache.claim must name a volume claim that holds the models." $cache.claim -}}
{{- else if eq $cache.kind "shared" -}}
{{- $cache.claim | default (printf "%s-models" (include "xim.name" .)) -}}
{{- end -}}
{{- end -}}

{{/* Containers and volumes of one pod, for the Deployment and for KServe's runtime. */}}
{{- define "xim.pod" -}}
{{- $task := include "xim.task" . | fromYaml -}}
{{- $offline := ne .Values.models.from "hub" -}}
{{- $guaranteed := or .Values.resources.guaranteed .Values.numa.perNode -}}
{{- if and .Values.numa.perNode (ne (toString (ceil .Values.resources.cpu)) (toString .Values.resources.cpu)) -}}
{{- fail (printf "numa.perNode needs whole CPUs in resources.cpu, not %v." .Values.resources.cpu) -}}
{{- end -}}
{{- $settings := dict "XIM_DRAIN_SECONDS" $task.drainSeconds -}}
{{- if $offline }}{{ $_ := set $settings "XIM_OFFLINE" 1 }}{{ end -}}
{{- if .Values.hub.endpoint }}{{ $_ := set $settings "HF_ENDPOINT" .Values.hub.endpoint }}{{ end -}}
{{- if .Values.keys.secret }}{{ $_ := set $settings "XIM_API_KEYS_FILE" "/run/secrets/xim/keys" }}{{ end -}}
{{- if .Values.hub.tokenSecret }}{{ $_ := set $settings "HF_TOKEN_PATH" "/run/secrets/hub/token" }}{{ end -}}
{{- $settings = mergeOverwrite $settings .Values.settings -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ add (get $settings "XIM_DRAIN_SECONDS" | int) 20 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- if eq .Values.models.from "image" }}
initContainers:
  - name: models
    image: {{ required "models.from is \"image\", so models.image must name an image that docker-build:embedded made." .Values.models.image }}
    command: [cp, -R, --no-clobber, /models/., /cache/]
    resources:
      requests: {cpu: 500m, memory: 256Mi}
      limits: {memory: 512Mi}
    securityContext:{{ include "xim.confined" . | nindent 6 }}
    volumeMounts:
      - name: models
        mountPath: /cache
{{- end }}
containers:
  - name: {{ .container }}
    image: {{ include "xim.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    env:
      {{- range $name, $value := $settings }}
      - name: {{ $name }}
        value: {{ $value | toString | quote }}
      {{- end }}
    ports:
      - name: http
        containerPort: 8000
    lifecycle:
      # New requests still arrive until every proxy knows that the pod ends.
      preStop:
        sleep: {seconds: 5}
    # The model is fetched, verified and loaded, and one inference is made.
    startupProbe:
      httpGet: {path: /health/ready, port: http}
      periodSeconds: 5
      timeoutSeconds: 3
      failureThreshold: {{ mul $task.startupMinutes 12 }}
    readinessProbe:
      httpGet: {path: /health/ready, port: http}
      periodSeconds: 5
      timeoutSeconds: 3
      failureThreshold: 2
    # It fails only when the supervision of the engine has given up.
    livenessProbe:
      httpGet: {path: /health/live, port: http}
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    resources:
      requests:
        cpu: {{ .Values.resources.cpu }}
        memory: {{ .Values.resources.memory }}
      limits:
        {{- if $guaranteed }}
        cpu: {{ .Values.resources.cpu }}
        {{- end }}
        memory: {{ .Values.resources.memory }}
    securityContext:{{ include "xim.confined" . | nindent 6 }}
    volumeMounts:
      - name: models
        mountPath: /models
        {{- if eq .Values.models.from "claim" }}
        readOnly: true
        {{- end }}
      - name: tmp
        mountPath: /var/tmp/xim
      {{- if .Values.keys.secret }}
      - name: keys
        mountPath: /run/secrets/xim
        readOnly: true
      {{- end }}
      {{- if .Values.hub.tokenSecret }}
      - name: hub
        mountPath: /run/secrets/hub
        readOnly: true
      {{- end }}
volumes:
  - name: models
    {{- $claim := include "xim.claim" . }}
    {{- if $claim }}
    persistentVolumeClaim:
      claimName: {{ $claim }}
    {{- else }}
    ephemeral:
      volumeClaimTemplate:
        spec:
          accessModes: [ReadWriteOnce]
          {{- with .Values.models.cache.storageClass }}
          storageClassName: {{ . }}
          {{- end }}
          resources:
            requests:
              storage: {{ .Values.models.cache.size }}
    {{- end }}
  - name: tmp
    emptyDir:
      sizeLimit: {{ .Values.tmp.size | default $task.tmp }}
  {{- with .Values.keys }}
  {{- if .secret }}
  - name: keys
    secret:
      secretName: {{ .secret }}
      items: [{key: {{ .key }}, path: keys}]
  {{- end }}
  {{- end }}
  {{- with .Values.hub }}
  {{- if .tokenSecret }}
  - name: hub
    secret:
      secretName: {{ .tokenSecret }}
      items: [{key: {{ .tokenKey }}, path: token}]
  {{- end }}
  {{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:{{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:{{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:{{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "xim.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
