// SPDX-License-Identifier: MPL-2.0

package media

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/shell"
)

// Locator says in one word, of the kernel's command line or in the SMBIOS
// serial number, that there is a seed, where it is, and whose.
type Locator struct {
	// URL is the place of the seed's files: http(s)://, ftp(s)://, file:// or an
	// absolute path on the machine. Empty: the machine will find them itself.
	// Packer's {{ }} in it are kept.
	URL string
	// InstanceID and Hostname overrule what the files say, so that the
	// machine knows who it is before it has a network.
	InstanceID, Hostname string
}

// Lengths that must not be exceeded, in bytes.
const (
	// MaxKernel is the whole command line, of x86 and arm64, without its last NUL.
	MaxKernel = 2047
	// MaxSMBIOS is what programs and firmware take for a string.
	MaxSMBIOS = 255
)

var (
	schemes = []string{"http://", "https://", "ftp://", "ftps://", "file://", "/"}
	// template is what Packer will replace.
	template = regexp.MustCompile(`\{\{.*?\}\}`)
	// special are characters that cloud-init, GRUB, a shell or a keyboard of
	// boot_command would not pass on as they are.
	special = regexp.MustCompile("[^!-~]|[;'\"\\\\`$<>]")
	// remote is a URL that is known to need the network, before Packer replaces anything.
	remote = regexp.MustCompile(`(?i)^(https?|ftps?)://`)
	plain  = regexp.MustCompile(`^[A-Za-z0-9._:@/+=-]+$`)
)

// Check says what is wrong with the URL.
func (s Locator) Check() error {
	if s.URL == "" {
		return nil
	}
	fixed := template.ReplaceAllString(s.URL, "x")
	known := template.MatchString(s.URL) && strings.HasPrefix(s.URL, "{{")
	for _, scheme := range schemes {
		known = known || strings.HasPrefix(strings.ToLower(s.URL), scheme)
	}
	switch bad := special.FindString(fixed); {
	case !known && strings.Contains(fixed, "@"): // there may be a password in it
		return fmt.Errorf("it begins with none of %s", strings.Join(schemes, ", "))
	case !known:
		return fmt.Errorf("%q begins with none of %s", s.URL, strings.Join(schemes, ", "))
	case bad != "":
		return fmt.Errorf("%q in it would end or change it on a command line; write %s", bad, percent(bad))
	case strings.Contains(fixed, "@") && strings.Contains(fixed, "://"):
		return errors.New("it has a name or password, which stand readable on the machine's command line; serve the seed without")
	}
	if text := s.Text(); len(text) > MaxKernel {
		return fmt.Errorf("the kernel's command line would be longer than the %d bytes that it has; make the URL shorter", MaxKernel)
	}
	return nil
}

func percent(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// Text is the word: ds=nocloud and its values, separated by semicolons.
func (s Locator) Text() string {
	text := "ds=nocloud"
	// Before 23.2 cloud-init takes a bare ds=nocloud for a local seed, and gives up
	// on one that it fetched by the network.
	if remote.MatchString(s.URL) {
		text += ";dsmode=net"
	}
	if s.URL != "" {
		text += ";s=" + slashed(s.URL)
	}
	// What the machine says about itself in the URL chooses among seeds; the
	// names of one of them would overrule all others'.
	if strings.Contains(s.URL, "__dmi.") {
		return text
	}
	if plain.MatchString(s.Hostname) {
		text += ";h=" + s.Hostname
	}
	if plain.MatchString(s.InstanceID) {
		text += ";i=" + s.InstanceID
	}
	return text
}

// slashed ends a directory's URL with a slash, which older cloud-inits do not add.
func slashed(url string) string {
	if strings.HasSuffix(url, "/") || strings.ContainsAny(url, "?") || strings.Contains(url, "%s") {
		return url
	}
	return url + "/"
}

// DefaultGrub is the line for /etc/default/grub or a file of /etc/default/grub.d.
// A shell reads it, and what it makes of it goes into grub.cfg, so there are
// quotes in quotes.
func DefaultGrub(text string) string {
	inner := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(shell.Quote(text))
	return `GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX ` + inner + `"`
}

// QEMUSMBIOS is the value of QEMU's option -smbios. A comma in it is doubled.
func QEMUSMBIOS(text string) string {
	return "type=1,serial=" + strings.ReplaceAll(text, ",", ",,")
}

// LibvirtSysinfo is the element of a libvirt domain, beside <smbios
// mode='sysinfo'/> in its <os>.
func LibvirtSysinfo(text string) string {
	return `<sysinfo type="smbios"><system><entry name="serial">` + escaped(text) + `</entry></system></sysinfo>`
}

// LibvirtCmdline is the element of a libvirt domain's <os> that boots a kernel directly.
func LibvirtCmdline(text string) string { return `<cmdline>` + escaped(text) + `</cmdline>` }

func escaped(text string) string {
	var b bytes.Buffer
	// A buffer takes everything.
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}
