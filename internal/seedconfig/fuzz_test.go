// SPDX-License-Identifier: MPL-2.0

package seedconfig

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// What attributes say is read back from the cloud-config as it was meant, by our
// own parser and by PyYAML, whatever the texts are; or it was refused.
func FuzzAttributes(f *testing.F) {
	python := foreign.Python(f, "import yaml\ndef answer(q): return yaml.safe_load(q)")
	for _, text := range []string{"a", "no", "0777", "1:30", "a\nb\n", " a\n", "\x7fELF\x00", "größe: 🙂", "#!/bin/sh\r\n", "{{ a }}", "\u2028", "---\n", "\\"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, text, word string) {
		if len(text)+len(word) > 2000 || !utf8.ValidString(word) {
			return
		}
		c := &Config{System: System{Runcmd: []string{word}, FinalMessage: word, WriteFiles: []WriteFile{{Path: "/a", Content: text}}}}
		c.Users = []User{{Name: "u", Gecos: word, Sudo: word, Shell: "/" + word}}
		if c.Check() != nil {
			return
		}
		rendered, err := c.cloudConfig()
		if err != nil || unknown(c) {
			return
		}
		for reader, read := range map[string]func() (map[string]any, bool){
			"our parser": func() (got map[string]any, ok bool) {
				return got, yaml.Unmarshal([]byte(rendered), &got) == nil
			},
			"PyYAML": func() (got map[string]any, ok bool) { return got, python.Ask(t, rendered, &got) },
		} {
			got, ok := read()
			if !ok && reader == "PyYAML" {
				continue
			}
			if diff := cmp.Diff(meant(c), flat(got)); diff != "" || !ok {
				t.Errorf("%s reads otherwise than meant:\n%s\n%s", reader, rendered, diff)
			}
		}
	})
}

// meant is what the cloud-config must say.
func meant(c *Config) map[string]string {
	want := map[string]string{"write_files.path": "/a", "write_files.content": c.WriteFiles[0].Content, "users.name": "u"}
	for key, value := range map[string]string{"runcmd": c.Runcmd[0], "final_message": c.FinalMessage, "users.gecos": c.Users[0].Gecos, "users.sudo": c.Users[0].Sudo, "users.shell": c.Users[0].Shell} {
		if value != "" {
			want[key] = value
		}
	}
	return want
}

// flat lists what was read: only texts, of lists the last entry.
func flat(document map[string]any) map[string]string {
	got := map[string]string{}
	for key, value := range document {
		if list, ok := value.([]any); ok && len(list) > 0 {
			value = list[len(list)-1]
		}
		entry, ok := value.(map[string]any)
		if !ok {
			got[key] = fmt.Sprint(value)
			continue
		}
		for inner, text := range entry {
			got[key+"."+inner] = fmt.Sprint(text)
		}
		if entry["encoding"] == "b64" {
			delete(got, key+".encoding")
			plain, err := base64.StdEncoding.DecodeString(fmt.Sprint(entry["content"]))
			if err != nil {
				plain = []byte(err.Error())
			}
			got[key+".content"] = string(plain)
		}
	}
	return got
}

// The whole way of a seed of 200 lines: checked, rendered, its password hashed.
func BenchmarkSeed200Lines(b *testing.B) {
	values := everything(b)
	var commands []string
	for i := range 100 {
		commands = append(commands, fmt.Sprintf("echo %d: 'a line' >>/etc/x", i))
	}
	values["runcmd"] = commands
	if text, err := decode(b, values).cloudConfig(); err != nil || strings.Count(text, "\n") < 180 {
		b.Fatalf("%d lines, %v", strings.Count(text, "\n"), err)
	}
	for b.Loop() {
		c := decode(b, values)
		if errs := c.Check(); errs != nil {
			b.Fatal(errs)
		}
		seed, _ := c.Seed()
		if _, err := seed.Render(); err != nil {
			b.Fatal(err)
		}
	}
}
