// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"strings"
	"testing"
)

// bad is a document with one error: where it must be found, a piece of what must
// be said, and a piece of the advice.
type bad struct {
	name, text   string
	line, column int
	says, advice string
}

const (
	anyColumn = -1
	cc        = "#cloud-config\n"
)

var badUserData = []bad{
	{"BOM", "\ufeff" + cc + "a: b\n", 1, 1, "byte order mark", "without BOM"},
	{"UTF-16", "\xff\xfe#\x00c\x00", 1, 1, "UTF-16", "UTF-8"},
	{"NUL", cc + "a: b\x00\n", 2, 5, "NUL byte", "text"},
	{"executable", "\x7fELF\x02\x01\x00", 1, 7, "binary", "text"},
	{"latin-1", cc + "# x\na: gr\xfc\xdfe\n", 3, 6, "0xfc is not UTF-8", "UTF-8"},
	{"huge", cc + "a: " + strings.Repeat("x", MaxSize), 0, 0, "more than a seed", "URL"},
	{"CRLF", crlf(cc + "a: b\n"), 1, 14, "2 lines end in CRLF", "LF"},
	{"CRLF once", cc + "a: b\r\nc: d\n", 2, 5, "1 lines end in CRLF", "eol=lf"},
	{"CRLF script", "#!/bin/sh\r\necho\n", 1, 10, "CRLF", "LF"},
	{"CRLF template", "## template: jinja\r\n#cloud-config\r\na: {{ b }}\r\n", 1, 19, "CRLF", "LF"},
	{"no header", "hostname: a\n", 1, 1, "header is missing", "#cloud-config on a line of its own"},
	{"no header, JSON", "{\"hostname\": \"a\"}\n", 1, 1, "header is missing", "#cloud-config"},
	{"no header, document start", "---\nhostname: a\n", 1, 1, "header is missing", "#cloud-config"},
	{"no header, shell", "echo hello\n", 1, 1, "no header that cloud-init knows", "#!"},
	{"no header, list", "- a\n", 1, 1, "no header", "begin with"},
	{"comment first", "# mine\n#cloud-config\na: b\n", 1, 1, "comment before the header #cloud-config, which is in line 2", "remove"},
	{"comment only", "# nothing to be seen in this\na: b\n", 1, 1, "a comment in place of the header", "begin with"},
	{"blank first", "\n#cloud-config\na: b\n", 1, 1, "blank line before the header #cloud-config", "remove"},
	{"blanks and comments first", "\n# x\n\n#!/bin/sh\n", 1, 1, "comment before the header #!/bin/sh, which is in line 4", "remove"},
	{"comments first", strings.Repeat("# x\n", 49) + cc + "a: b\n", 1, 1, "which is in line 50", "remove"},
	{"indented header", "  #cloud-config\n  a: b\n", 1, 1, "blanks before the header", "<<-EOF"},
	{"space in header", "# cloud-config\na: b\n", 1, 1, "not a header", "did you mean #cloud-config?"},
	{"underscore in header", "#cloud_config\na: b\n", 1, 1, "not a header", "did you mean #cloud-config?"},
	{"plural header", "#cloud-configs\na: b\n", 1, 1, "not a header", "did you mean #cloud-config?"},
	{"misspelt boothook", "#cloud-bothook\n#!/bin/sh\n", 1, 1, "not a header", "did you mean #cloud-boothook?"},
	{"misspelt boothook alone", "#cloud-bothook\necho\n", 1, 1, "not a header", "did you mean #cloud-boothook?"},
	{"misspelt include", "#includes\nhttps://x\n", 1, 1, "not a header", "did you mean #include?"},
	{"misspelt part handler", "#parthandler\nx\n", 1, 1, "not a header", "did you mean #part-handler?"},
	{"template without a space", "## template:jinja\n#cloud-config\n", 1, 1, "not a header", "exactly `## template: jinja`"},
	{"template misspelt", "##template: jinja\na: b\n", 1, 1, "not a header", "exactly `## template: jinja`"},
	{"template jinja2", "## template: jinja2\n#cloud-config\n", 1, 1, "not a header", "exactly"},
	{"template with more", "## template: jinja v2\n#cloud-config\n", 1, 19, "text after the template header", "exactly"},
	{"template without header", "## template: jinja\nhostname: {{ a }}\n", 2, 1, "header is missing", "#cloud-config"},
	{"template comment first", "## template: jinja\n# x\n#cloud-config\na: {{ a }}\n", 2, 1, "in line 3", "remove"},
	{"template of nothing", "## template: jinja\n", 2, 0, "nothing follows", "#cloud-config in the next line"},
	{"template, plain, wrong", "## template: jinja\n#cloud-config\na: b: c\n", 3, 5, "`key: value`", ""},
	{"base64", "I2Nsb3VkLWNvbmZpZwphOiBiCg==\n", 1, 1, "base64", "base64decode"},
	{"base64 of gzip", "H4sIAAAAAAAAA1NOzskvTdFNzs9Ly0wHAA==\n", 1, 1, "base64", "file"},
	{"truncated gzip", gz(cc + "a: b\n")[:20], 0, 0, "compressed data that cannot be read", "again"},
	{"wrong inside gzip", gz("a: b\n"), 1, 1, "header is missing", ""},
	{"gzip in gzip", gz(gz(cc)), 1, 2, "not UTF-8", ""},

	{"tab indent", cc + "a:\n\tb: c\n", 3, 1, "a tab in the indentation", "spaces"},
	{"tab after spaces", cc + "a:\n  b: c\n  \td: e\n", 4, 3, "a tab", "spaces"},
	{"tab after colon", cc + "a:\tb\n", 2, 3, "a tab outside quotes", "spaces"},
	{"tab after dash", cc + "a:\n-\tb\n", 3, 2, "a tab outside quotes", "spaces"},
	{"tab at end", cc + "a: b\t\n", 2, 5, "a tab outside quotes", "spaces"},
	{"tab in text", cc + "a: b\tc\n", 2, 5, "a tab outside quotes", "spaces"},
	{"tab in JSON", cc + "{\n\t\"a\": 1\n}\n", 3, 1, "a tab", "spaces"},
	{"tab on empty line", cc + "a: b\n\t\nc: d\n", 3, 1, "a tab", "spaces"},
	{"tab before comment", cc + "a: b\n\t# x\n", 3, 1, "a tab", "spaces"},
	{"tab after no quotes", cc + "a: b '#\tc\n", 2, 8, "a tab outside quotes", "spaces"},
	{"tab after quotes", cc + "a: \"x\ty\"\t\n", 2, 9, "a tab outside quotes", "spaces"},
	{"tab before a comment after a block", cc + "a: |\n  x\n#c\n\t#d\n", 5, 1, "a tab outside quotes", "spaces"},
	{"tab for a key after a block", cc + "a: |\n  x\n\tb: 1\n", 4, 1, "a tab outside quotes", "spaces"},
	{"comment touches a block behind its tag", cc + "a: !!str\n  >#x\n  b\n", 3, 4, "a comment right after the sign", "blank before #"},
	{"tab after block", cc + "a: |\n  x\n  \ty\nb:\tc\n", 5, 3, "a tab outside quotes", "spaces"},
	{"value in value", cc + "a: b: c\n", 2, 5, "`key: value`", "quote"},
	{"indented too far", cc + "a: b\n  c: d\n", 3, 4, "`key: value`", "indentation"},
	{"indented too little", cc + "a:\n    b: c\n  d: e\n", 4, anyColumn, "does not continue", "indentation"},
	{"key among items", cc + "a:\n - b\n c: d\n", 4, anyColumn, "does not continue", "indentation"},
	{"item among keys", cc + "a: b\n- c\n", 3, anyColumn, "does not continue", "indentation"},
	{"first line indented", cc + "  a: b\nc: d\n", 3, anyColumn, "does not continue", "indentation"},
	{"no colon", cc + "a: b\nhostname\nc: d\n", 3, anyColumn, "", ""},
	{"open quote", cc + "a: b\nc: \"d\ne: f\n", 3, anyColumn, "never closed", "close"},
	{"open single quote", cc + "c: 'd\ne: f\n", 2, anyColumn, "never closed", "close"},
	{"open bracket", cc + "a: [1, 2\nb: 3\n", 3, anyColumn, "", ""},
	{"unknown escape", cc + "a: \"\\d\"\n", 2, 5, "escape", ""},
	{"at sign", cc + "a: @b\n", 2, 4, "cannot begin a value", "quote"},
	{"backquote", cc + "a: `b`\n", 2, 4, "cannot begin a value", "quote"},
	{"percent", cc + "a: %b\n", 2, 4, "cannot begin a value", "quote"},
	{"BOM amid", cc + "a: b\n\ufeffc: d\n", 3, 1, "a byte order mark in the midst", "remove it"},
	{"anchor twice", cc + "a: &x 1\nb:\n  - &x 2\nc: *x\n", 4, 5, "the anchor &x stands twice (first in line 2)", "another name"},
	{"star", cc + "a: *b\n", 2, 4, "unknown anchor", "quote"},
	{"braces", cc + "a: {{ b }}\n", 2, 5, "cannot be a key", "## template: jinja"},
	{"list as key", cc + "? [a]\n: b\n", 2, 3, "a list cannot be a key", ""},
	{"byte order mark behind a key", cc + "a: \ufeff\nb: c\n", 2, 4, "byte order mark in the midst", "remove"},
	{"no key", cc + "a: {? : b}\n", 2, anyColumn, "an empty key", "before the colon"},
	{"no key behind ?", cc + "a: [x, ?]]\n", 2, anyColumn, "an empty key", ""},
	{"not of a shell", cc + "runcmd:\n- ! test -f /x\n", 3, 3, "a lone ! is a tag", "quote the text"},
	{"lone tag, quotes", cc + "a: ! \"!\"\n", 2, 4, "a lone ! is a tag", "remove it"},
	{"lone tag, anchor", cc + "a: &x !\n  b: c\n", 2, 7, "a lone ! is a tag", ""},
	{"lone tag below its anchor", cc + "a: &x # b\n  ! c\n", 3, 3, "a lone ! is a tag", ""},
	{"lone tag of a key", cc + "! a: b\n", 2, 1, "a lone ! is a tag", ""},
	{"lone tag of a block", cc + "a: ! |\n  b\n", 2, 4, "a lone ! is a tag", ""},
	{"address that ends in colons", cc + "a: [\"x\", fe80::]\n", 2, 10, "a key without a value", "quote"},
	{"key that ends in a colon", cc + "a: {b:}\n", 2, 5, "a key without a value", "quote"},
	{"local tag", cc + "a: !secret b\n", 2, 4, "does not know the tag !secret", "quote"},
	{"python object", cc + "a: !!python/object:os.x {}\n", 2, 4, "does not know the tag", ""},
	{"escaped single quote", cc + "a: \"it\\'s\"\n", 2, 7, `\'`, "write ' alone"},
	{"comment at block", cc + "a: |# x\n  b\n", 2, 5, "comment right after", "blank"},
	{"merge of nothing", cc + "a:\n  <<:\n  b: c\n", 3, 3, "<< merges", "*name"},
	{"impossible date", cc + "a: 2024-02-30\n", 2, 4, "a date that does not exist", "quote"},
	{"binary tag", cc + "a: !!binary abc\n", 2, 4, "not base64", "encode"},
	{"binary tag, not ASCII", cc + "a: !!binary 00Ό00\n", 2, 4, "not base64", "encode"},
	{"colon in flow", cc + "a: {b: c:}\n", 2, 8, "a colon", "quote"},
	{"tag of another kind", cc + "a: !!str [b]\n", 2, 4, "the tag !!str before a list", ""},
	{"equals", cc + "a: =\n", 2, 4, "bare =", "quote"},
	{"escape character", cc + "a: \x1b[0m\n", 2, 4, "U+001B", `\x1b`},
	{"duplicate key", cc + "runcmd: [a]\nhostname: b\nruncmd: [c]\n", 4, 1, `"runcmd" is given twice (first in line 2)`, "merge"},
	{"nested duplicate", cc + "users:\n- name: a\n  shell: b\n  name: c\n", 5, 3, `"name" is given twice`, "merge"},
	{"no blank behind a colon, and a key", cc + "packages:\n- a\nhostname:web\ntimezone: UTC\n", 4, 0, "text that is neither a key", "behind its colon"},
	{"no blank behind the first colon", cc + "hostname:web\ntimezone: UTC\n", 3, 9, "`key: value`", "colon of the line before"},
	{"no blank behind a colon", cc + "hostname:web\n", 2, 1, "top level is a plain value", "blank behind the colon"},
	{"document start first", "---\n#cloud-config\na: b\n", 1, 1, "--- before the header #cloud-config, which is in line 2", "remove"},
	{"list at top", cc + "- a\n- b\n", 2, 1, "top level is a list", ""},
	{"text at top", cc + "hello\n", 2, 1, "top level is a plain value", ""},
	{"two documents", cc + "a: b\n---\nc: d\n", 3, anyColumn, "second YAML document", "one"},

	{"shebang alone", "#!\necho\n", 1, 1, "no interpreter", "#!/bin/sh"},
	{"shebang without path", "#!bash\necho\n", 1, 3, "not a path", "#!/usr/bin/env bash"},
	{"shebang for a header", "#!cloud-config\na: b\n", 1, 3, "not a path", "did you mean #cloud-config?"},
	{"include of no URL", "#include\nhttps://x\nnot a url\n", 3, 1, "not a URL", "scheme"},
	{"include of a name", "#include example.com/x\n", 1, 1, "not a URL", "scheme"},
	{"part handler without types", "#part-handler\ndef handle_part(d, c, f, p): pass\n", 1, 1, "no function list_types", "define"},
	{"archive of a mapping", "#cloud-config-archive\na: b\n", 2, 1, "not a list", "- "},
	{"archive of numbers", "#cloud-config-archive\n- [1]\n", 2, 3, "a part of an archive is a text", ""},
	{"archive, bad type", "#cloud-config-archive\n- {type: cloud-config, content: 'a: b'}\n", 2, 10, "not a MIME type", "text/cloud-config"},
	{"archive, bad part", "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    a: b\n    c: d: e\n", 5, anyColumn, "`key: value`", ""},
	{"json patch, not JSON", "#cloud-config-jsonp\n[{\"op\": \"add\",}]\n", 2, 15, "not JSON", "JSON patch"},
	{"json patch, object", "#cloud-config-jsonp\n{\"op\": \"add\"}\n", 2, anyColumn, "not a JSON patch", "op"},
	{"json patch, no path", "#cloud-config-jsonp\n[{\"op\": \"add\"}]\n", 1, 1, "step 1", "both"},

	{"mime without version", "Content-Type: multipart/mixed; boundary=x\n\n--x\n\n#!/bin/sh\n--x--\n", 1, 1, "no MIME-Version", "add `MIME-Version: 1.0`"},
	{"mime without boundary", "MIME-Version: 1.0\nContent-Type: multipart/mixed\n\n--x\n--x--\n", 0, 0, "no boundary", "boundary="},
	{"mime without parts", mimeTop + "#cloud-config\na: b\n", 0, 0, "without parts", "--==B=="},
	{"mime, bad type", mimeTop + "--==B==\nContent-Type: ;;\n\na: b\n--==B==--\n", 5, 1, "Content-Type that cannot be read", "type/subtype"},
	{"mime, bad header", mimeTop + "--==B==\nhello\n\na: b\n--==B==--\n", 5, 1, "headers that cannot be read", "blank line"},
	{"mime, bad YAML", mimeTop + "--==B==\nContent-Type: text/cloud-config\n\na: b\nc: d: e\n--==B==--\n", 8, 5, "`key: value`", ""},
	{"mime, no shebang", mimeTop + "--==B==\nContent-Type: text/x-shellscript\n\necho\n--==B==--\n", 7, 1, "without #!", "#!/bin/sh"},
	{"mime, no header", mimeTop + "--==B==\nContent-Type: text/plain\n\necho hi\n--==B==--\n", 7, 1, "no header", ""},
	{"mime, bad base64", mimeTop + "--==B==\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\naGV!bG8=\n--==B==--\n", 0, 0, "not base64", "encode"},
	{"mime, misspelt type", mimeTop + "--==B==\nContent-Type: text/cloudconfig\n\na: b\n--==B==--\n", 7, 1, "a type that cloud-init does not know", "did you mean text/cloud-config?"},
	{"mime, bad inside base64", mimeTop + "--==B==\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\nLSBh\n--==B==--\n", 1, 1, "top level is a list", ""},
	{"mime, bad inside quoted-printable", mimeTop + "--==B==\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: quoted-printable\n\na=\n: b\nc: d: e\n--==B==--\n", 2, 5, "`key: value`", ""},
	{"mime, not gzip", mimeTop + "--==B==\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n--==B==--\n", 0, 0, "compressed content", "gzip"},
}

var badMetaData = []bad{
	{"BOM", "\ufeffinstance-id: a\n", 1, 1, "byte order mark", "BOM"},
	{"CRLF", "instance-id: a\r\n", 1, 15, "CRLF", "LF"},
	{"list", "- instance-id: a\n", 1, 1, "top level is a list, where meta-data must be a mapping", ""},
	{"text", "iid-1\n", 1, 1, "top level is a plain value", ""},
	{"id is a list", "instance-id: [a]\n", 1, 1, "instance-id must be a text, not a list", ""},
	{"id is a mapping", "a: b\ninstance-id: {a: b}\n", 2, 1, "not a mapping", ""},
	{"id is empty", "instance-id:\n", 1, 1, "not a null value", "leave the key out"},
	{"id is blank", "instance-id: ' '\n", 1, 1, "blank", ""},
	{"id is nocloud", "instance-id: nocloud\n", 1, 14, "clones would share it", "its own"},
	{"hostname is a list", "local-hostname: [a]\n", 1, 1, "local-hostname must be a text", ""},
	{"key twice", "instance-id: a\ninstance-id: b\n", 2, 1, "given twice", ""},
	{"template", "## template: jinja\ninstance-id: {{ x }}\n", 1, 1, "does not render meta-data", ""},
	{"gzip", gz("instance-id: a\n"), 0, 0, "compressed", "decompress"},
	{"tab", "a:\n\tb: c\n", 2, 1, "a tab", "spaces"},
}

var badNetworkConfig = []bad{
	{"empty", "", 0, 0, "network-config is empty", "leave the attribute out"},
	{"comment only", "# later\n", 0, 0, "network-config is empty", "{}"},
	{"null", "~\n", 0, 0, "network-config is empty", "{}"},
	{"list", "- a\n", 1, 1, "top level is a list", ""},
	{"network null", "network:\n", 1, 1, "network is null", "indent"},
	{"no version", "ethernets: {}\n", 1, 1, "no version", "version: 2"},
	{"version 3", "version: 3\n", 1, 10, "no such version", "2 (netplan"},
	{"quoted version", "version: '2'\nethernets: {}\n", 1, 10, "the number 1 or 2", "quotes"},
	{"v1 without config", "version: 1\nethernets: {}\n", 1, 1, "version 1 has no config", "version: 2"},
	{"v1 config mapping", "version: 1\nconfig: {a: b}\n", 2, 1, "config is a mapping", "- type"},
	{"v1 entry text", "version: 1\nconfig: [eth0]\n", 2, 10, "config[0] is text where an interface", ""},
	{"v1 no type", "version: 1\nconfig:\n- name: a\n", 3, 3, "without a type", "type: physical"},
	{"v1 wrong type", "version: 1\nconfig:\n- type: phisical\n  name: a\n", 3, 9, "config[0].type does not exist in version 1", "did you mean physical?"},
	{"v1 no name", "version: 1\nconfig:\n- type: physical\n", 3, 3, "config[0] (physical) has no name", ""},
	{"v1 vlan without link", "version: 1\nconfig:\n- {type: vlan, name: a, vlan_id: 1}\n", 3, 3, "no vlan_link", ""},
	{"v2 with config", "version: 2\nconfig: []\n", 2, 1, "config belongs to version 1", ""},
	{"v2 misspelt", "version: 2\nethernet:\n  a: {}\n", 2, 1, "ethernet is not a key of version 2", "did you mean ethernets?"},
	{"v2 list", "version: 2\nethernets:\n- eth0\n", 2, 1, "ethernets is a list", "eth0:"},
	{"v2 nic null", "version: 2\nethernets:\n  eth0:\n  dhcp4: true\n", 3, 3, "eth0 has a null value", "indent"},
	{"v2 address text", "version: 2\nethernets:\n  a:\n    addresses: 192.0.2.1/24\n", 4, 16, "ethernets.a.addresses is text; it must be a list", "["},
	{"v2 bad address", "version: 2\nethernets:\n  a:\n    addresses: [192.0.2.256/24]\n", 4, 17, "not an IP address", "192.0.2.10/24"},
	{"v2 duplicate", "version: 2\nethernets: {}\nethernets: {}\n", 3, 1, "given twice", ""},
	{"CRLF", "version: 2\r\n", 1, 11, "CRLF", ""},
}

func TestBadDocuments(t *testing.T) {
	if n := len(badUserData) + len(badMetaData) + len(badNetworkConfig); n < 100 {
		t.Errorf("only %d bad documents", n)
	}
	for _, b := range badUserData {
		b.check(t, "user_data", Seed{UserData: given("user_data", b.text)})
		b.check(t, "vendor_data", Seed{VendorData: given("vendor_data", b.text)})
	}
	for _, b := range badMetaData {
		b.check(t, "meta_data", Seed{MetaData: given("meta_data", b.text)})
	}
	for _, b := range badNetworkConfig {
		b.check(t, "network_config", Seed{NetworkConfig: given("network_config", b.text)})
	}
}

func (b bad) check(t *testing.T, attribute string, s Seed) {
	t.Helper()
	t.Run(attribute+"/"+b.name, func(t *testing.T) {
		errs := s.Check().Errors()
		if len(errs) == 0 {
			t.Fatal("accepted")
		}
		p := errs[0]
		t.Log(p.Error())
		if p.Attribute != attribute {
			t.Errorf("the attribute is %q", p.Attribute)
		}
		if p.Line != b.line || p.Column != b.column && b.column != anyColumn {
			t.Errorf("found at %d:%d, want %d:%d", p.Line, p.Column, b.line, b.column)
		}
		if !strings.Contains(p.Text, b.says) || !strings.Contains(p.Advice, b.advice) {
			t.Errorf("want %q and %q in it", b.says, b.advice)
		}
	})
}
