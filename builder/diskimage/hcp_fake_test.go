// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	hcpOrganization = "11111111-1111-1111-1111-111111111111"
	hcpProject      = "22222222-2222-2222-2222-222222222222"
	hcpSecret       = "the-client-secret"
	// parentVersion is the fingerprint under which the fake has what was
	// published last, and the id of that version.
	parentVersion = "parent"
)

// hcp is as much of HCP Packer as a build that publishes needs. It knows no
// bucket and no version at first.
type hcp struct {
	t      *testing.T
	server *httptest.Server

	mu    sync.Mutex
	calls []hcpCall
}

// hcpCall is a request to the project of the registry.
type hcpCall struct {
	method, path string
	body         []byte
}

// hcpUpdate is the body that updates a build.
type hcpUpdate struct {
	Artifacts []struct {
		ExternalIdentifier string `json:"external_identifier"`
		Region             string `json:"region"`
	} `json:"artifacts"`
	Labels   map[string]string `json:"labels"`
	Platform string            `json:"platform"`
	Source   string            `json:"source_external_identifier"`
	Parent   string            `json:"parent_version_id"`
	Status   string            `json:"status"`
}

func newHCP(t *testing.T) *hcp {
	t.Helper()
	h := &hcp{t: t}
	const project = "/packer/2023-01-01/organizations/" + hcpOrganization + "/projects/" + hcpProject
	const version = "/buckets/{bucket}/versions/{version}"
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, `{"access_token": "token", "token_type": "Bearer", "expires_in": 3600}`)
	})
	for pattern, reply := range map[string]func(r *http.Request, body []byte) (int, string){
		"GET /buckets/{bucket}": func(*http.Request, []byte) (int, string) {
			return http.StatusNotFound, `{"code": 5, "message": "there is no such bucket"}`
		},
		"PUT /buckets":   always(`{"bucket": {}}`),
		"GET " + version: h.version,
		"POST /buckets/{bucket}/versions": func(_ *http.Request, body []byte) (int, string) {
			// Versions that are not complete yet have this name.
			return http.StatusOK, `{"version": {"id": "version-id", "name": "v0"}}`
		},
		"GET " + version + "/builds": always(`{"builds": []}`),
		"POST " + version + "/builds": func(_ *http.Request, body []byte) (int, string) {
			var made map[string]interface{}
			if err := json.Unmarshal(body, &made); err != nil {
				t.Errorf("creating a build: %v", err)
			}
			made["id"] = "build-id"
			text, err := json.Marshal(map[string]interface{}{"build": made})
			if err != nil {
				t.Error(err)
			}
			return http.StatusOK, string(text)
		},
		"PATCH " + version + "/builds/{build}":       always(`{"build": {"id": "build-id"}}`),
		"PUT " + version + "/builds/{build}/sboms":   always(`{}`),
		"GET /enforced_blocks/bucket/{bucket}":       always(`{}`),
		"PATCH /buckets/{bucket}/channels/{channel}": always(`{"channel": {}}`),
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+project+path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
			}
			h.mu.Lock()
			h.calls = append(h.calls, hcpCall{r.Method, strings.TrimPrefix(r.URL.Path, project), body})
			h.mu.Unlock()
			status, text := reply(r, body)
			answer(w, status, text)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("a call that the fake does not know: %s %s", r.Method, r.URL.Path)
		answer(w, http.StatusNotFound, `{"code": 5, "message": "unknown call"}`)
	})
	h.server = httptest.NewTLSServer(mux)
	t.Cleanup(h.server.Close)
	return h
}

func always(text string) func(*http.Request, []byte) (int, string) {
	return func(*http.Request, []byte) (int, string) { return http.StatusOK, text }
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

// version knows what was published last as parentVersion, and nothing else:
// Packer is to create it then.
func (h *hcp) version(r *http.Request, _ []byte) (int, string) {
	if r.PathValue("version") != parentVersion {
		return http.StatusBadRequest, `{"code": 10, "message": "there is no such version"}`
	}
	published, ok := h.published()
	if !ok {
		return http.StatusNotFound, `{"code": 5, "message": "nothing was published"}`
	}
	text, err := json.Marshal(map[string]interface{}{"version": map[string]interface{}{
		"id": parentVersion, "name": "v1", "status": "VERSION_ACTIVE",
		"builds": []interface{}{map[string]interface{}{
			"id": "build-id", "version_id": parentVersion, "status": "BUILD_DONE",
			"platform": published.Platform, "labels": published.Labels, "artifacts": published.Artifacts,
		}},
	}})
	if err != nil {
		h.t.Error(err)
	}
	return http.StatusOK, string(text)
}

// env is the environment in which packer publishes to the fake.
func (h *hcp) env(w workspace) []string {
	address := strings.TrimPrefix(h.server.URL, "https://")
	return []string{
		"HCP_API_ADDRESS=" + address, "HCP_API_TLS=insecure", "HCP_AUTH_URL=https://" + address, "HCP_AUTH_TLS=insecure",
		"HCP_CLIENT_ID=id", "HCP_CLIENT_SECRET=" + hcpSecret,
		"HCP_ORGANIZATION_ID=" + hcpOrganization, "HCP_PROJECT_ID=" + hcpProject,
		// Packer keeps its token there.
		"HOME=" + w.tmp(),
	}
}

// seen are the bodies of calls whose path ends so.
func (h *hcp) seen(method, end string) [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	var bodies [][]byte
	for _, c := range h.calls {
		if c.method == method && strings.HasSuffix(c.path, end) {
			bodies = append(bodies, c.body)
		}
	}
	return bodies
}

// updates are what builds were set to, in order.
func (h *hcp) updates() []hcpUpdate {
	h.t.Helper()
	var updates []hcpUpdate
	for _, body := range h.seen(http.MethodPatch, "/builds/build-id") {
		var u hcpUpdate
		if err := json.Unmarshal(body, &u); err != nil {
			h.t.Errorf("%v: %s", err, body)
		}
		updates = append(updates, u)
	}
	return updates
}

// published is the last update that finished a build.
func (h *hcp) published() (hcpUpdate, bool) {
	for _, u := range slices.Backward(h.updates()) {
		if u.Status == "BUILD_DONE" {
			return u, true
		}
	}
	return hcpUpdate{}, false
}

// said is all that was sent to the project.
func (h *hcp) said() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all strings.Builder
	for _, c := range h.calls {
		fmt.Fprintf(&all, "%s %s %s\n", c.method, c.path, c.body)
	}
	return all.String()
}
