"""Manifests that the tests of enrolment share. Not a test."""

from __future__ import annotations

import base64

TOKEN = "s3cr3t-token-value"
ISSUER = f"""
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {{name: ca-by-acme}}
spec:
  acme:
    server: https://ca.example.com/directory
    email: ops@example.com
    privateKeySecretRef: {{name: acme.account}}
    preferredChain: Example Root
    solvers:
    - http01: {{ingress: {{ingressClassName: nginx}}}}
      selector: {{dnsNames: [www.example.com]}}
    - dns01:
        cnameStrategy: Follow
        cloudflare: {{apiTokenSecretRef: {{name: cloudflare, key: api-token}}}}
      selector: {{dnsZones: [example.com]}}
    - dns01: {{azureDNS: {{subscriptionID: s-1, resourceGroupName: dns, hostedZoneName: example.net}}}}
    - dns01:
        rfc2136:
          nameserver: 192.0.2.1:53
          tsigKeyName: update
          tsigAlgorithm: HMACSHA256
          tsigSecretSecretRef: {{name: tsig, key: key}}
---
kind: Secret
metadata: {{name: cloudflare}}
data: {{api-token: {base64.b64encode(TOKEN.encode()).decode()}}}
---
kind: Secret
metadata: {{name: tsig}}
stringData: {{key: c2VjcmV0}}
"""
CERTIFICATE = """
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: shop.cluster}
spec:
  secretName: shop-tls
  commonName: shop.example.com
  dnsNames: [shop.example.com, www.example.com]
  duration: 2880h
  renewBefore: 720h
  privateKey: {algorithm: RSA, size: 3072, rotationPolicy: Always}
  usages: [digital signature, key encipherment, server auth, client auth]
  subject: {organizations: ["Example, Inc"]}
  secretTemplate: {annotations: {team: core}}
  issuerRef: {name: ca-by-acme, kind: ClusterIssuer}
"""
INGRESS = """
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    cert-manager.io/cluster-issuer: ca-by-acme
    cert-manager.io/common-name: web.example.com
    cert-manager.io/renew-before: 360h
    cert-manager.io/private-key-size: "4096"
    acme.cert-manager.io/http01-edit-in-place: "true"
spec:
  tls: [{secretName: web-tls, hosts: [web.example.com, api.example.com]}]
"""
