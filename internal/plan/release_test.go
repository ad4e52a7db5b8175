// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/elements"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// builtInPlan plans real elements with an environment, "NAME=value" each.
func builtInPlan(t *testing.T, names string, env ...string) (*Plan, error) {
	t.Helper()
	catalogue, _, err := element.Load(elements.FS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := request()
	r.Elements, r.ElementPaths, r.Environment = strings.Fields(names), nil, map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		r.Environment[name] = value
	}
	return New(r, catalogue, ableHost())
}

func TestMisspeltReleaseIsRefused(t *testing.T) {
	_, err := builtInPlan(t, "debian-minimal vm", "DIB_RELEASE=bookwurm")
	var wrong *AttributeError
	if !errors.As(err, &wrong) || wrong.Attribute != "environment" || !strings.Contains(err.Error(), `no release "bookwurm" (did you mean "bookworm"?)`) {
		t.Errorf("%v", err)
	}
	if _, err := builtInPlan(t, "ubuntu-minimal vm", "DIB_RELEASE=jamy"); err == nil || !strings.Contains(err.Error(), `"jammy"`) {
		t.Errorf("%v", err)
	}
}

func TestOtherReleasesArePlanned(t *testing.T) {
	for env, want := range map[string]bool{
		"": false, "DIB_RELEASE=trixie": false, "DIB_RELEASE=sid": false,
		"DIB_RELEASE=halloween2040":                                       true,
		"DIB_RELEASE=bookwurm DIB_APT_SOURCES_CONF=a:deb x bookwurm main": false,
	} {
		var list []string
		if release, conf, two := strings.Cut(env, " "); two {
			list = []string{release, conf}
		} else if env != "" {
			list = []string{env}
		}
		p, err := builtInPlan(t, "debian-minimal vm", list...)
		if err != nil {
			t.Errorf("%s: %v", env, err)
			continue
		}
		if got := strings.Contains(strings.Join(p.Notes, "\n"), "does not know the release"); got != want {
			t.Errorf("%s: %q", env, p.Notes)
		}
	}
}

func TestImageWithoutLoginIsTold(t *testing.T) {
	for names, want := range map[string]bool{
		"debian-minimal vm": true, "debian-minimal vm openssh-server": true, "debian-minimal": false,
		"debian-minimal vm devuser": false, "debian-minimal vm cloud-init-nocloud": false,
	} {
		p, err := builtInPlan(t, names)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(p.Notes, "\n"), "nobody can log in"); got != want {
			t.Errorf("%s: %q", names, p.Notes)
		}
	}
	// What other people's elements do about users is not known.
	if p, err := New(request(), fixture(t), ableHost()); err != nil || strings.Contains(strings.Join(p.Notes, "\n"), "log in") {
		t.Errorf("%v %v", p, err)
	}
}
