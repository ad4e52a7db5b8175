// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// generator makes documents that fit a type, or nearly.
type generator struct {
	*rand.Rand
	// wrong is how many values of a hundred are of another type.
	wrong int
}

// samples are texts for keys whose checks do not take every text.
var samples = map[string]string{
	"path": "/etc/a", "permissions": "0640", "content": "aGVsbG8=", "encoding": "b64", "delay": "now",
	"timezone": "Europe/Berlin", "expiredate": "2031-01-02", "size": "2G", "maxsize": "512M", "tags": "a,b",
	"passwd": "$6$salt$hash", "hashed_passwd": "$6$salt$hash", "hashed-passwd": "$6$salt$hash", "list": "root:$6$salt$hash",
	"partition": "auto", "address": "192.0.2.10/24", "gateway": "192.0.2.1", "mac_address": "52:54:00:12:34:56",
	"netmask": "255.255.255.0", "chef_license": "accept", "macaddress": "52:54:00:12:34:56", "to": "default",
	"via": "192.0.2.1", "gateway4": "192.0.2.1", "gateway6": "2001:db8::1", "name": "eth0", "set-name": "lan0", "addresses": "192.0.2.10/24",
}

// value makes a value of a type for a key.
func (g generator) value(key string, t *Type, depth int) any {
	if g.IntN(100) < g.wrong {
		return []any{"x", 7, true, nil, []any{"x"}, map[string]any{"x": "y"}, []any{}, "yes", 1.5}[g.IntN(9)]
	}
	var forms []form
	for _, f := range []form{text, integer, boolean, list, mapping, null} {
		if t.forms&f != 0 {
			forms = append(forms, f)
		}
	}
	if len(forms) == 0 {
		return 1.5
	}
	switch forms[g.IntN(len(forms))] {
	case text:
		return g.text(key, t)
	case integer:
		return g.IntN(50)
	case boolean:
		return g.IntN(2) == 0
	case list:
		return g.list(key, t, depth)
	case mapping:
		return g.mapping(t, depth)
	}
	return nil
}

func (g generator) text(key string, t *Type) string {
	if t.words != nil {
		return t.words[g.IntN(len(t.words))]
	}
	if s, ok := samples[key]; ok {
		return s
	}
	return []string{"some", "http://example.com/x", "web-1", "a b"}[g.IntN(3)]
}

func (g generator) list(key string, t *Type, depth int) []any {
	out := []any{}
	count := max(t.least, g.IntN(3))
	if t.most > 0 {
		count = min(count, t.most)
	}
	for range count {
		if t.items == nil || depth > 6 {
			out = append(out, "x")
			continue
		}
		out = append(out, g.value(key, t.items, depth+1))
	}
	return out
}

// mapping makes a mapping with the keys that are needed and some others.
func (g generator) mapping(t *Type, depth int) map[string]any {
	out := map[string]any{}
	if t.others != nil {
		out["name-of-ones-own"] = g.value("", t.others, depth+1)
	}
	for _, names := range slices.Concat(t.needs, t.wants) {
		if g.IntN(100) >= g.wrong {
			name := strings.Split(names, "|")[0]
			out[name] = g.value(name, t.keys[name], depth+1)
		}
	}
	names := slices.Sorted(maps.Keys(t.keys))
	for range min(len(names), 1+g.IntN(4)) {
		name := names[g.IntN(len(names))]
		out[g.misspelt(name)] = g.value(name, t.keys[name], depth+1)
	}
	return out
}

// misspelt is a name as people type it.
func (g generator) misspelt(name string) string {
	if g.IntN(100) >= g.wrong || len(name) < 2 {
		return name
	}
	at := 1 + g.IntN(len(name)-1)
	return []string{name[:at] + name[at-1:], strings.ReplaceAll(name, "_", "-"), name[:at-1] + name[at:], name + "-x"}[g.IntN(4)]
}

// network makes a network-config of one version.
func (g generator) network(first bool) map[string]any {
	if first {
		var entries []any
		kinds := slices.Sorted(maps.Keys(v1Types))
		for range 1 + g.IntN(3) {
			kind := kinds[g.IntN(len(kinds))]
			entry := g.mapping(v1Types[kind], 0)
			entry["type"] = kind
			entries = append(entries, entry)
		}
		return map[string]any{"version": 1, "config": entries}
	}
	out := map[string]any{"version": 2}
	for _, section := range []string{"ethernets", "bonds", "bridges", "vlans"} {
		if g.IntN(2) == 0 {
			out[g.misspelt(section)] = map[string]any{section + "0": g.mapping(v2Sections[section], 0)}
		}
	}
	return out
}
