package shadowapi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"iotwasm/site/gateway/internal/shadow"
)

const (
	thingsPath = "/things/"
	shadowTail = "/shadow"
	listPath   = "/api/things/shadow/ListNamedShadowsForThing/"
)

// Paths are the beginnings of the API's paths. They take in more than there is, so that
// a path which is almost right gets the API's kind of error.
var Paths = []string{thingsPath, "/api/things/"}

// route reads method, path and query.
func route(r *http.Request) (shadow.Request, *failure) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return shadow.Request{}, invalid("Invalid query string")
	}
	path := r.URL.EscapedPath() // a slash within a name stays one segment, and is refused as a name
	if rest, ok := strings.CutPrefix(path, listPath); ok && !strings.Contains(rest, "/") {
		return routeList(r.Method, rest, query)
	}
	rest, isThing := strings.CutPrefix(path, thingsPath)
	segment, isShadow := strings.CutSuffix(rest, shadowTail)
	if !isThing || !isShadow || strings.Contains(segment, "/") {
		return shadow.Request{}, &failure{http.StatusNotFound, kinds[404], "Not Found"}
	}
	request := shadow.Request{}
	switch r.Method {
	case http.MethodGet:
		request.Operation = shadow.Get
	case http.MethodPost:
		request.Operation = shadow.Update
	case http.MethodDelete:
		request.Operation = shadow.Delete
	default:
		return shadow.Request{}, notAllowed()
	}
	var f *failure
	if request.Thing, f = name(segment); f != nil {
		return shadow.Request{}, f
	}
	names, given := query["name"]
	if len(names) > 1 || given && names[0] == "" {
		return shadow.Request{}, invalid("Invalid shadow name")
	}
	request.Shadow = query.Get("name")
	return request, nil
}

func routeList(method, segment string, query url.Values) (shadow.Request, *failure) {
	if method != http.MethodGet {
		return shadow.Request{}, notAllowed()
	}
	thing, f := name(segment)
	if f != nil {
		return shadow.Request{}, f
	}
	request := shadow.Request{Operation: shadow.List, Thing: thing, NextToken: query.Get("nextToken")}
	if text := query.Get("pageSize"); text != "" {
		size, err := strconv.Atoi(text)
		if err != nil || size == 0 { // 0 would be the service's default
			size = -1
		}
		request.PageSize = size
	}
	return request, nil
}

// name undoes the escaping of one segment. Whether it is a thing's the service says.
func name(segment string) (string, *failure) {
	decoded, err := url.PathUnescape(segment)
	if err != nil {
		return "", invalid("Invalid thing name")
	}
	return decoded, nil
}

func invalid(message string) *failure {
	return &failure{http.StatusBadRequest, kinds[400], message}
}

func notAllowed() *failure {
	return &failure{http.StatusMethodNotAllowed, kinds[405], "The specified combination of HTTP verb and URI is not supported."}
}
