// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// planOf plans an operating system with two elements of the given files.
func planOf(t *testing.T, environment map[string]string, a, b map[string]string) (*Plan, error) {
	t.Helper()
	tree := fstest.MapFS{"os/element-provides": {Data: []byte("operating-system\n")}}
	for name, files := range map[string]map[string]string{"a": a, "b": b} {
		for path, content := range files {
			file := &fstest.MapFile{Data: []byte(content), Mode: 0o755}
			if data, ok := strings.CutSuffix(path, "°"); ok {
				path, file.Mode = data, 0o644
			}
			tree[name+"/"+path] = file
		}
		tree[name+"/README"] = &fstest.MapFile{Data: []byte(name), Mode: 0o644}
	}
	catalogue, _, err := element.Load(tree, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := request()
	r.Elements, r.SkipBase, r.Environment = []string{"os", "a", "b"}, true, environment
	return New(r, catalogue, ableHost())
}

func TestSlipsInHooksAreTold(t *testing.T) {
	const script = "#!/bin/sh\n"
	tests := map[string]struct {
		a, b map[string]string
		want []string
	}{
		"nothing": {map[string]string{
			"install.d/10-a": script, "install.d/data.conf°": "x", "install.d/helper.sh": script, "install.d/table°": "x",
			"modprobe.d/x°": "x", "init.d/x": "x", "udev.d/x": "x", "environment.d/10-a°": "A=b", "package-installs.yaml°": "{}", "pkg-map°": "{}",
		}, map[string]string{"package-installs.yaml°": "{}", "pkg-map°": "{}", "static/README°": "x", "element-deps°": ""}, nil},
		"not executable": {map[string]string{"install.d/10-a°": "x", "cleanup.d/later°": script}, nil, []string{
			"install.d/10-a of element a is ignored: it is not executable (builtin:a/install.d/10-a)",
			"cleanup.d/later of element a is ignored: it is not executable (builtin:a/cleanup.d/later)",
		}},
		"bad names": {map[string]string{"root.d/10-a.sh": script, "environment.d/10-a~°": "x", "first-boot.d/10-a.sh": script}, nil, []string{
			"environment.d/10-a~ of element a is ignored: its name does not match ^[0-9A-Za-z_.-]+$ (builtin:a/environment.d/10-a~)",
			"first-boot.d/10-a.sh of element a is ignored: its name does not match ^[0-9A-Za-z_-]+$ (builtin:a/first-boot.d/10-a.sh)",
			"root.d/10-a.sh of element a is ignored: its name does not match ^[0-9A-Za-z_-]+$ (builtin:a/root.d/10-a.sh)",
		}},
		"overwritten": {map[string]string{"source-repository-x°": "a", "data°": "a"}, map[string]string{"source-repository-x°": "b"}, []string{
			"source-repository-x of element a is not used, as element b has a file of that name; rename one of them",
		}},
		"directories": {map[string]string{"instal.d/10-a": script, "finalize.d/10-a": script}, map[string]string{"enviroment.d/10-a°": script}, []string{
			"enviroment.d of element b means nothing to a build; is it environment.d? (builtin:b/enviroment.d)",
			"finalize.d of element a means nothing to a build; is it finalise.d? (builtin:a/finalize.d)",
			"instal.d of element a means nothing to a build; is it install.d? (builtin:a/instal.d)",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := planOf(t, nil, test.a, test.b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, p.Notes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlanKnowsRunPartsRegex(t *testing.T) {
	files := map[string]string{"install.d/10-a.sh": "#!/bin/sh\n", "first-boot.d/20-b.sh": "#!/bin/sh\n", "first-boot.d/3-a.sh": "#!/bin/sh\n"}
	p, err := planOf(t, map[string]string{"RUN_PARTS_REGEX": `\.sh$`}, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	hooks := map[string]string{}
	for _, phase := range p.Phases {
		if len(phase.Hooks) > 0 {
			hooks[phase.Name+" "+phase.Where] = strings.Join(phase.Hooks, " ")
		}
	}
	want := map[string]string{"install.d chroot": "10-a.sh[a]", "first-boot.d image": "3-a.sh[a] 20-b.sh[a]"}
	if diff := cmp.Diff(want, hooks); diff != "" || len(p.Notes) > 0 {
		t.Error(diff, p.Notes)
	}
	_, err = planOf(t, map[string]string{"RUN_PARTS_REGEX": `[`}, nil, nil)
	var wrong *AttributeError
	if !errors.As(err, &wrong) || wrong.Attribute != "environment" || !strings.Contains(err.Error(), "RUN_PARTS_REGEX") {
		t.Errorf("got %v", err)
	}
}
