// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"
)

func gz(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text)) // a buffer does not fail
	_ = z.Close()
	return b.String()
}

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

const mimeTop = "Content-Type: multipart/mixed; boundary=\"==B==\"\nMIME-Version: 1.0\n\n"

// goodUserData are all carried out by cloud-init without a warning.
var goodUserData = map[string]string{
	"empty mapping":           "#cloud-config\n{}\n",
	"runcmd":                  "#cloud-config\nruncmd:\n- [ls, -l]\n- echo hello\n",
	"no final newline":        "#cloud-config\nhostname: a",
	"blank after header":      "#cloud-config\n\n\nhostname: a\n",
	"comment after header":    "#cloud-config\n# mine\nhostname: a\n",
	"words after header":      "#cloud-config # of the web servers\nhostname: a\n",
	"document start":          "#cloud-config\n---\nhostname: a\n",
	"document end":            "#cloud-config\n---\nhostname: a\n...\n",
	"upper-case header":       "#Cloud-Config\nhostname: a\n",
	"JSON":                    "#cloud-config\n{\"hostname\": \"a\", \"runcmd\": [\"x\"]}\n",
	"indented JSON":           "#cloud-config\n{\n  \"hostname\": \"a\"\n}\n",
	"literal block":           "#cloud-config\nwrite_files:\n- path: /a\n  content: |\n    one\n      two\n\n    three\n",
	"tab in literal block":    "#cloud-config\nwrite_files:\n- path: /a\n  content: |\n    all:\n    \tcc -c a.c\n- path: /b\n",
	"tab first in block":      "#cloud-config\na: |\n  \ty\n  z\nb: >- # x\n\n    \ty\n",
	"old line ends":           "#cloud-config\na: b\rc: \"d\u0085 e\"\u2028f: \"x\ty\"\n",
	"tight pairs":             "#cloud-config\na: {b:{c: d}, e:[f], 'g':\"x\ty\"}\n",
	"tab in folded block":     "#cloud-config\na: >-\n  x\n  \ty\nb: c\n",
	"literal block with keep": "#cloud-config\na: |2+\n    x\n  y\n\nb: c\n",
	"tab in double quotes":    "#cloud-config\na: \"x\ty\"\n",
	"tab in single quotes":    "#cloud-config\na: 'x\ty ''\tz'' '\n",
	"tab in escaped quotes":   "#cloud-config\na: \"x \\\"\ty\\\\\"\nb: '\t'\n",
	"byte order marks quoted": "#cloud-config\na: \"\ufeff\" # \ufeff\nb: |\n  \ufeff\n",
	"not of a shell":          "#cloud-config\nruncmd:\n- '! test -f /x'\n- [\"!\", test]\n- test ! -f /x\n- |\n  ! test\n",
	"tab in tagged quotes":    "#cloud-config\na: !!str \"x\ty\"\n",
	"tab in long quotes":      "#cloud-config\na: \"x\n  y\tz\"\nb: c\n",
	"tab in comment":          "#cloud-config\na: b #\tc\n#\td\n",
	"hash in value":           "#cloud-config\na: b#c\n",
	"tab after hash in block": "#cloud-config\na: |\n  # x\n  \ty # z\n",
	"colon in value":          "#cloud-config\nruncmd:\n- curl http://example.com:80/a\n",
	"quoted braces":           "#cloud-config\na: '{{ x }}'\n",
	"anchors":                 "#cloud-config\na: &x {b: c}\nd: *x\ne:\n  <<: *x\n  f: g\n",
	"two merges":              "#cloud-config\na: &x {b: c}\nd:\n  <<: *x\n  <<: {e: f}\n",
	"binary tag":              "#cloud-config\nwrite_files:\n- content: !!binary aGVsbG8=\n  path: /a\n",
	"set and omap":            "#cloud-config\na: !!set {x, y}\nb: !!omap [c: d]\n",
	"python unicode":          "#cloud-config\na: !!python/unicode x\n",
	"booleans":                "#cloud-config\npackage_update: yes\nssh_pwauth: no\na: on\n",
	"octal":                   "#cloud-config\na: 0644\nb: '0644'\n",
	"null value":              "#cloud-config\na:\nb: ~\n",
	"dates":                   "#cloud-config\na: 2024-02-29\nb: 2024-02-29T10:00:00Z\n",
	"list below its key":      "#cloud-config\na:\n- b\n-   c\n",
	"unicode":                 "#cloud-config\n# grüße\na: 日本語 😀\nb: \"\\u00e4\"\n",
	"next line characters":    "#cloud-config\na: \"x\u00a0y\"\n",
	"long line":               "#cloud-config\na: " + strings.Repeat("x ", 5000) + "\n",
	"same key elsewhere":      "#cloud-config\na: {x: 1}\nb: {x: 2}\n",
	"key 1 and key '1'":       "#cloud-config\n1: a\n'1': b\n",
	"merge_how":               "#cloud-config\nmerge_how:\n- name: list\n  settings: [append]\nruncmd: [x]\n",
	"percent inside":          "#cloud-config\na: 50%\nb: a@b\n",
	"empty strings":           "#cloud-config\na: ''\nb: \"\"\n",
	"write_files with BOM":    "#cloud-config\na: \"\ufeffx\"\n",
	"shell":                   "#!/bin/sh\necho hi\n",
	"shell with blank":        "#! /bin/sh -e\necho hi\n",
	"env bash":                "#!/usr/bin/env bash\necho \"$(date)\"\t{{ x }}\n",
	"shell with CRLF in it":   "#!/bin/sh\ncat >/dos.txt <<E\nx\r\nE\n",
	"shell with escape":       "#!/bin/sh\nprintf '\x1b[0m'\n",
	"python":                  "#!/usr/bin/python3\nprint('x')\n",
	"boothook":                "#cloud-boothook\n#!/bin/sh\necho hi\n",
	"include":                 "#include\nhttps://example.com/a\nhttp://example.com/b\n",
	"include on one line":     "#include https://example.com/a\n",
	"include-once":            "#include-once\nhttps://example.com/a\n# comment\n\nfile:///a\n/etc/b\n",
	"include with variables":  "#include\nhttps://example.com/${HOSTNAME}\n",
	"part handler":            "#part-handler\ndef list_types():\n    return ['text/x']\ndef handle_part(data, ctype, filename, payload):\n    pass\n",
	"archive":                 "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    #cloud-config\n    a: b\n- |\n  #!/bin/sh\n  echo\n- content: |\n    a: b\n",
	"archive with filename":   "#cloud-config-archive\n- {filename: x, content: \"#!/bin/sh\\necho\"}\n",
	"json patch":              "#cloud-config-jsonp\n[{\"op\": \"add\", \"path\": \"/runcmd\", \"value\": [\"x\"]}]\n",
	"json patch on one line":  "#cloud-config-jsonp [{\"op\": \"remove\", \"path\": \"/x\"}]\n",
	"jinja cloud-config":      "## template: jinja\n#cloud-config\nhostname: {{ ds.meta_data.x }}\n",
	"jinja with tabs":         "## template: jinja\n#cloud-config\n{% if x %}\n\ta: b\n{% endif %}\na: {{ y }}\n",
	"jinja script":            "## template: jinja\n#!/bin/sh\necho {{ v1.region }}\n",
	"jinja without anything":  "## template: jinja\n#cloud-config\na: b\n",
	"jinja statement first":   "## template: jinja\n{% set a = 1 %}\n#cloud-config\na: {{ a }}\n",
	"jinja comment first":     "## template: jinja\n{# note #}\n#cloud-config\na: b\n",
	"jinja blank first":       "## template: jinja\n\n#cloud-config\na: {{ a }}\n",
	"jinja upper case":        "## Template: Jinja\n#cloud-config\na: {{ a }}\n",
	"mime": mimeTop + "--==B==\nContent-Type: text/cloud-config; charset=\"utf-8\"\nMIME-Version: 1.0\n" +
		"Content-Disposition: attachment; filename=\"a\"\n\n#cloud-config\na: b\n\n--==B==\n" +
		"Content-Type: text/x-shellscript\n\n#!/bin/sh\necho\n--==B==--\n",
	"mime with CRLF":       crlf(mimeTop + "--==B==\nContent-Type: text/cloud-config\n\na: b\n--==B==--\n"),
	"mime from mail":       "From nobody Fri Jan 11 07:00:00 1980\n" + mimeTop + "--==B==\nContent-Type: text/plain\n\n#cloud-config\na: b\n--==B==--\n",
	"mime without header":  mimeTop + "preamble\n--==B==\nContent-Type: text/cloud-config\n\na: b\n--==B==--\nepilogue\n",
	"mime untyped part":    mimeTop + "--==B==\n\n#!/bin/sh\n--==B==--\n",
	"mime per boot":        mimeTop + "--==B==\nContent-Type: text/x-shellscript-per-boot\n\n#!/bin/sh\n--==B==--\n",
	"mime base64":          mimeTop + "--==B==\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte("#cloud-config\na: b\n")) + "\n--==B==--\n",
	"mime quoted":          mimeTop + "--==B==\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: quoted-printable\n\na: =E2=82=AC\n--==B==--\n",
	"mime gzip":            mimeTop + "--==B==\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte(gz("#!/bin/sh\n"))) + "\n--==B==--\n",
	"mime own type":        mimeTop + "--==B==\nContent-Type: text/x-mine\n\nanything\n--==B==--\n",
	"mime binary part":     mimeTop + "--==B==\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\nAAECAw==\n--==B==--\n",
	"mime jinja":           mimeTop + "--==B==\nContent-Type: text/jinja2\n\n## template: jinja\n#cloud-config\na: {{ b }}\n--==B==--\n",
	"mime in mime":         mimeTop + "--==B==\nContent-Type: multipart/mixed; boundary=i\n\n--i\nContent-Type: text/cloud-config\n\na: b\n--i--\n--==B==--\n",
	"mime single":          "MIME-Version: 1.0\nContent-Type: text/cloud-config\n\na: b\n",
	"mime folded header":   "MIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=x\nNumber-Attachments: 1\n\n--x\n\n#!/bin/sh\n--x--\n",
	"mail in cloud-config": "#cloud-config\nwrite_files:\n- path: /m\n  content: |\n    MIME-Version: 1.0\n    Subject: x\n",
	"gzip":                 gz("#cloud-config\na: b\n"),
	"gzip of mime":         gz(mimeTop + "--==B==\n\n#!/bin/sh\n--==B==--\n"),
}

var goodMetaData = map[string]string{
	"only id":            "instance-id: iid-1\n",
	"id and name":        "instance-id: iid-1\nlocal-hostname: web\n",
	"comment first":      "# who\ninstance-id: iid-1\n",
	"cloud-config line":  "#cloud-config\ninstance-id: iid-1\n",
	"JSON":               "{\"instance-id\": \"i-1\", \"public-keys\": [\"ssh-ed25519 AAAA\"]}",
	"number":             "instance-id: 12\n",
	"without id":         "local-hostname: web\n",
	"empty":              "",
	"comment only":       "# nothing\n",
	"empty mapping":      "{}\n",
	"dsmode":             "dsmode: net\n",
	"own keys":           "region: x\nnested: {a: [1, 2]}\n",
	"document start":     "---\ninstance-id: a\n",
	"indented":           "  instance-id: a\n  local-hostname: b\n",
	"with a template no": "motto: 'no {% in here'\n",
}

var goodNetworkConfig = map[string]string{
	"v2 dhcp":        "version: 2\nethernets:\n  eth0:\n    dhcp4: true\n",
	"v2 wrapped":     "network:\n  version: 2\n  ethernets:\n    eth0: {dhcp4: true}\n",
	"v2 static":      "version: 2\nrenderer: networkd\nethernets:\n  eth0:\n    addresses: [192.0.2.2/24, '2001:db8::1/64']\n    routes: [{to: default, via: 192.0.2.1}]\n",
	"v2 options":     "version: 2\nethernets:\n  e:\n    addresses:\n    - 192.0.2.2/24: {lifetime: 0}\n",
	"v2 match":       "version: 2\nethernets:\n  id0:\n    match: {name: 'en*'}\n    dhcp4: yes\n",
	"v2 empty nic":   "version: 2\nethernets:\n  eth0: {}\n",
	"v2 no nic":      "version: 2\nethernets: {}\n",
	"v2 bond":        "version: 2\nethernets: {a: {}, b: {}}\nbonds:\n  bond0: {interfaces: [a, b], parameters: {mode: active-backup}}\nvlans:\n  v: {id: 1, link: bond0}\nbridges:\n  br: {interfaces: [v]}\n",
	"v2 wifi":        "version: 2\nwifis:\n  w: {access-points: {x: {password: y}}}\n",
	"v2 netplan's":   "version: 2\ntunnels:\n  t: {mode: gre}\nvrfs: {}\ndummy-devices: {d: {}}\n",
	"v2 merge":       "version: 2\nethernets:\n  a: &x {dhcp4: true}\n  b:\n    <<: *x\n",
	"v1 dhcp":        "version: 1\nconfig:\n- type: physical\n  name: eth0\n  subnets: [{type: dhcp}]\n",
	"v1 wrapped":     "network:\n  version: 1\n  config:\n  - {type: physical, name: eth0}\n",
	"v1 everything":  "version: 1\nconfig:\n- {type: loopback, name: lo}\n- {type: bond, name: b, bond_interfaces: [a], params: {}}\n- {type: bridge, name: r, bridge_interfaces: [b]}\n- {type: vlan, name: v, vlan_id: 1, vlan_link: a}\n- {type: nameserver, address: 192.0.2.1}\n- {type: route, destination: 192.0.2.0/24, gateway: 192.0.2.1}\n- {type: infiniband, name: i}\n",
	"v1 empty":       "version: 1\nconfig: []\n",
	"disabled":       "config: disabled\n",
	"disabled v1":    "network: {config: disabled}\n",
	"JSON":           "{\"version\": 2, \"ethernets\": {\"eth0\": {\"dhcp4\": true}}}",
	"comment first":  "# net\nversion: 2\nethernets: {}\n",
	"document start": "---\nversion: 2\nethernets: {}\n",
}

// letters are keys of the documents that are about YAML and not about cloud-config.
var letters = []string{"a", "b", "c", "d", "e", "f", "g", "1"}

func TestGoodSeedsHaveNoProblems(t *testing.T) {
	count := 0
	run := func(what, name string, s Seed) {
		count++
		s.CustomKeys = letters
		t.Run(what+"/"+name, func(t *testing.T) {
			for _, p := range s.Check() {
				t.Errorf("%s", p.Error())
			}
			if _, err := s.Render(); err != nil {
				t.Errorf("Render: %v", err)
			}
		})
	}
	for name, text := range goodUserData {
		run("user-data", name, Seed{UserData: given("user_data", text)})
		run("vendor-data", name, Seed{VendorData: given("vendor_data", text)})
	}
	for name, text := range goodMetaData {
		run("meta-data", name, Seed{MetaData: given("meta_data", text)})
	}
	for name, text := range goodNetworkConfig {
		run("network-config", name, Seed{NetworkConfig: given("network_config", text)})
	}
	if count < 100 {
		t.Errorf("only %d good documents", count)
	}
}

func given(attribute, text string) Document {
	return Document{Attribute: attribute, Text: []byte(text)}
}
