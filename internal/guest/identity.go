// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// identity is a user to become.
type identity struct {
	name, home, shell string
	uid, gid          int
	groups            []int
	// same means that the process is this user already and nothing changes.
	same bool
}

// findIdentity looks a user up by name or #uid, and a group likewise; an empty
// group is the user's own.
func findIdentity(name, group string) (identity, error) {
	u, err := findUser(name)
	if err != nil {
		return identity{}, err
	}
	who := identity{name: u.Username, home: u.HomeDir, shell: loginShell(u.Username)}
	if who.uid, err = strconv.Atoi(u.Uid); err != nil {
		return identity{}, fmt.Errorf("the user %s has no numeric id: %w", name, err)
	}
	if who.gid, err = strconv.Atoi(u.Gid); err != nil {
		return identity{}, fmt.Errorf("the user %s has no numeric group: %w", name, err)
	}
	if ids, err := u.GroupIds(); err == nil {
		for _, id := range ids {
			if n, err := strconv.Atoi(id); err == nil {
				who.groups = append(who.groups, n)
			}
		}
	}
	if group != "" {
		if who.gid, err = findGroup(group); err != nil {
			return identity{}, err
		}
	}
	who.same = who.uid == os.Geteuid() && group == ""
	return who, nil
}

func findUser(name string) (*user.User, error) {
	id, numeric := strings.CutPrefix(name, "#")
	if !numeric {
		u, err := user.Lookup(name)
		if err != nil && name == "root" {
			// A root without a user database still has its root.
			return &user.User{Username: "root", Uid: "0", Gid: "0", HomeDir: "/root"}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("unknown user %s: %w", name, err)
		}
		return u, nil
	}
	if u, err := user.LookupId(id); err == nil {
		return u, nil
	}
	if _, err := strconv.Atoi(id); err != nil {
		return nil, fmt.Errorf("unknown user %s", name)
	}
	return &user.User{Username: name, Uid: id, Gid: id, HomeDir: "/"}, nil
}

func findGroup(name string) (int, error) {
	if id, numeric := strings.CutPrefix(name, "#"); numeric {
		return strconv.Atoi(id)
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("unknown group %s: %w", name, err)
	}
	return strconv.Atoi(g.Gid)
}

// loginShell is a user's shell in /etc/passwd, /bin/sh if there is none.
func loginShell(name string) string {
	doc, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return "/bin/sh"
	}
	for line := range strings.Lines(string(doc)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) == 7 && fields[0] == name && fields[6] != "" {
			return fields[6]
		}
	}
	return "/bin/sh"
}
