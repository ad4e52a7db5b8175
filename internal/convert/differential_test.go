// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// bash runs a script in an environment of its own; what it prints is taken apart
// at NUL bytes. A status other than 0 is ok = false.
func bash(t *testing.T, env []string, args ...string) (words []string, ok bool) {
	t.Helper()
	if _, err := os.Stat("/bin/bash"); err != nil {
		t.Skip("there is no bash to compare with")
	}
	var out strings.Builder
	err := command.Host{}.Run(context.Background(), command.Command{Path: "/bin/bash", Args: args, Env: env, Stdout: &out})
	return strings.Split(strings.TrimSuffix(out.String(), "\x00"), "\x00"), err == nil
}

// debianDriver is the driver of Debian's package python3-diskimage-builder.
const debianDriver = "/usr/lib/python3/dist-packages/diskimage_builder/lib/disk-image-create"

// optionVariables are what the driver makes of its options.
var optionVariables = []struct{ option, variable string }{
	{"-a", "ARCH"}, {"-o", "IMAGE_NAME"}, {"-u", "COMPRESS_IMAGE"}, {"-c", "CLEAR_ENV"}, {"-n", "SKIP_BASE"},
	{"--checksum", "DIB_CHECKSUM"}, {"--image-size", "DIB_IMAGE_SIZE"}, {"--image-cache", "DIB_IMAGE_CACHE"},
	{"--max-online-resize", "MAX_ONLINE_RESIZE"}, {"--mkfs-options", "MKFS_OPTS"}, {"--min-tmpfs", "DIB_MIN_TMPFS"},
	{"--no-tmpfs", "DIB_NO_TMPFS"}, {"--offline", "DIB_OFFLINE"}, {"--qemu-img-options", "QEMU_IMG_OPTIONS"},
	{"--root-label", "ROOT_LABEL"}, {"--ramdisk-element", "RAMDISK_ELEMENT"}, {"--install-type", "DIB_DEFAULT_INSTALLTYPE"},
	{"--docker-target", "DOCKER_TARGET"}, {"--logfile", "LOGFILE"},
}

// values of flags, and of what is not given, in the driver.
var (
	driverFlags = map[string]string{"-u": "", "-c": "1", "-n": "1", "--checksum": "1", "--no-tmpfs": "1", "--offline": "1"}
	driverUnset = map[string]string{"-u": "true", "--install-type": "source"}
)

// driverParser is the part of the driver that reads options, run for itself.
func driverParser(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(debianDriver)
	if err != nil {
		t.Skipf("python3-diskimage-builder is not installed: %v", err)
	}
	part := regexp.MustCompile(`(?ms)^DIB_DEBUG_TRACE=.*?^done$`).FindString(string(source))
	if !strings.Contains(part, "getopt") {
		t.Fatal("the driver does not read its options where it used to")
	}
	text := "SCRIPTNAME=disk-image-create IS_RAMDISK=0\nshow_options() { exit 1; }\nshow_version() { exit 1; }\nset -e\n" + part + "\n"
	for _, o := range optionVariables {
		text += "printf '%s\\0' \"${" + o.variable + "-}\"\n"
	}
	return text + "printf '%s\\0' \"$DIB_DEBUG_TRACE\" \"${IMAGE_TYPES[*]}\" \"${INSTALL_PACKAGES[*]}\" \"$*\"\n"
}

// Options are read as diskimage-builder itself reads them.
func TestOptionsAgainstDiskimageBuilder(t *testing.T) {
	parser := driverParser(t)
	pool := strings.Fields(`-a -aarm64 -o -oout/x -ox.raw -t -traw -tqcow2,raw,tgz -u -x -xx -xu -xuo -n -c -p -pvim -pvim,curl -np
		--checksum --check --image-size --image-s=5 --image-size=2.5 --image --image-cache --image-c=/c --offline --off --offline=1
		--max-online-resize --max=9 --m --mkfs-options --mkfs=-I --mkfs-o --min-tmpfs --mi=3 --no-tmpfs --no --qemu-img-options --q=a=b,c=d
		--root-label --root=l --ro --r --ramdisk-element --ra=x --install-type --install=package --docker-target --d=x --logfile --l=f
		-z --unknown --help -h --version -- - vm debian-minimal base 5 a,b x=y`)
	random := rand.New(rand.NewPCG(5, 6))
	agreed, refused := 0, 0
	for range 100 {
		var args []string
		for range 1 + random.IntN(6) {
			args = append(args, pool[random.IntN(len(pool))])
		}
		want, ok := bash(t, []string{"PATH=/usr/bin:/bin"}, slices.Concat([]string{"-c", parser, "x"}, args)...)
		c := &converter{}
		got, gotOK := c.read(Invocation{Program: diskProgram, Arguments: args})
		if ok != gotOK {
			t.Errorf("%q: diskimage-builder took it: %t, we: %t %v", args, ok, gotOK, c.out.said)
			continue
		}
		if !ok {
			refused++
			continue
		}
		agreed++
		if diff := cmp.Diff(want, asDriver(got)); diff != "" {
			t.Errorf("%q (-diskimage-builder +ours):\n%s", args, diff)
		}
	}
	t.Logf("%d command lines read alike, %d refused alike", agreed, refused)
	if agreed < 25 || refused < 25 {
		t.Error("the command lines test too little")
	}
}

// asDriver are the values of optionVariables and the lists.
func asDriver(w wishes) []string {
	var all []string
	for _, o := range optionVariables {
		value, given := w.options[o.option]
		fixed, flag := driverFlags[o.option]
		switch {
		case given && flag:
			value = fixed
		case !given:
			value = driverUnset[o.option]
		}
		all = append(all, value)
	}
	types := "qcow2"
	if given, ok := w.options["-t"]; ok {
		types = strings.ReplaceAll(given, ",", " ")
	}
	return append(all, fmt.Sprint(w.trace), types, strings.Join(w.packages, " "), strings.Join(w.elements, " "))
}

// stub is a disk-image-create that says how it was called.
const stub = `#!/bin/bash
{
    printf '%s\0' call "$@"
    for name in A B C D; do [ -z "${!name+set}" ] || printf '%s\0' "$name=${!name}"; done
    printf '%s\0' end
} >>"$0.calls"
`

// shellWords are put together to scripts: all that can be read without a shell.
var shellWords = []string{
	"A=x", "B='a b'", `C="a b"`, `A="$A-$B"`, "B+=y", `D=`, `export A`, "export B=1 C='2 3'", "export D", "unset A", "unset -v B",
	`A=("$B" c 'd e')`, "A+=(z)", `: ${A:=new}`, `: "${B:=new b}"`, "export -n C", "declare -x C=dx", "set -a", "set +a", "true", "# a comment",
	"disk-image-create", "disk-image-create $A $B", `disk-image-create "$A" "${B}"`, `disk-image-create "${A[@]}" ${A[@]}`,
	`disk-image-create -o x"$A"y z\ z 'q'"r"\s`, `A=1 B="2 3" disk-image-create "$A" vm`, `env A=5 disk-image-create a`,
	`disk-image-create ${A:-none} "${B:-no b}" ${C:+yes} "${D-unset}" ${D+set}`, `disk-image-create a#b # comment`, `disk-image-create "" '' $D`,
	"disk-image-create a \\\n  b \\\n  c", "disk-image-create a > /dev/null", "disk-image-create $'q q' \"a\\\"b\\$A\" 'x'\\''y'",
	"( A=sub; disk-image-create $A )", "{ B=group; disk-image-create $B; }", "bash -c 'disk-image-create inner \"$1\"' x", "cat <<E\ndisk-image-create no $A\nE",
	"cat <<-'E' > /dev/null\n\tE2\n\tE\n", `echo "disk-image-create no" > /dev/null`, "A=1; B=2 && disk-image-create $A$B", "export A=1 && disk-image-create $A",
	"disk-image-create \"a\tb\nc\" ü", "disk-image-create \"${A:-\"x y\"}\" a=b A=\"$B\"", "time disk-image-create t", "! disk-image-create n", "disk-image-create x 2>&1 1>&2",
}

// Scripts are read as bash reads them.
func TestScriptsAgainstBash(t *testing.T) {
	dir := t.TempDir()
	calls := filepath.Join(dir, diskProgram+".calls")
	if err := os.WriteFile(filepath.Join(dir, diskProgram), []byte(stub), 0o755); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 8))
	compared := 0
	for range 100 {
		// Nothing that only the environment can tell.
		source := "A=; B=; C=; D=; unset D\n"
		for range 1 + random.IntN(8) {
			source += shellWords[random.IntN(len(shellWords))] + "\n"
		}
		found, _, err := readScript("script", source)
		if err != nil {
			t.Errorf("%v:\n%s", err, source)
			continue
		}
		var got []string
		plain := true
		for _, i := range found {
			got = append(append(got, "call"), i.Arguments...)
			slices.SortFunc(i.Environment, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
			for _, v := range i.Environment {
				got = append(got, v.Name+"="+v.Value)
			}
			got = append(got, "end")
		}
		for _, word := range got {
			plain = plain && isPlain(word)
		}
		if !plain {
			continue // only a shell can tell
		}
		compared++
		bash(t, []string{"PATH=" + dir + ":/usr/bin:/bin"}, "-c", source)
		if diff := cmp.Diff(callsIn(t, calls), strings.Split(strings.Join(got, "\x00"), "\x00end")); diff != "" {
			t.Errorf("%s\n(-bash +ours):\n%s", source, diff)
		}
	}
	t.Logf("%d scripts compared", compared)
	if compared < 50 {
		t.Error("too few scripts were compared")
	}
}

// callsIn are the calls that stubs noted since it was asked last.
func callsIn(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00end")
}
