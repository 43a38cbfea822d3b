// Package parity sends the same requests to two targets and says where their answers differ. A corpus has the requests, byte
// for byte; a table has what front doors change by themselves. Targets are black boxes with an address: processes, deployed
// ones, anything that speaks HTTP/1.1.
//
// # Corpus
//
// A corpus is a YAML file:
//
//	name: mine
//	normalise:               # what no two answers have in common; see Normaliser
//	  - {request: "*", field: header.Location, pattern: "^/items/[0-9]+$", as: "/items/{id}", why: "ids differ"}
//	requests:                # sent in this order, each on a connection of its own
//	  - name: create         # unique
//	    method: POST         # GET if there is none
//	    target: "/items?a=%2F"   # sent as it is
//	    headers: ["Accept: text/plain", "Accept: text/html"]   # whole lines, sent as they are, in this order
//	    body: "text"         # or body_base64: "AAE=", or body_size: 1048577 (that many x)
//	    gzip: true           # compress the body; the header for it has to be given
//	    chunk_bytes: 100     # send the body in chunks of that size, without Content-Length
//	    expect_continue: true   # hold the body back until the server asks for it
//	    proto: HTTP/1.1      # or HTTP/1.0
//	    status: 201          # what the left target must answer
//	    capture: [{name: item, header: Location, pattern: "^/items/([0-9]+)$"}]
//	  - {name: fetch, target: "/items/{{item}}"}
//
// {{item}} is what this target's answer to create has had in its Location; {{host}} and {{port}} are those of the target.
//
// # Comparison
//
// Status, all values of all headers, body, 1xx statuses and the way in which an exchange fails must be equal; see
// Table.Compare. The table of front doors, doors.yaml, has what is no difference: each row says for which doors, requests and
// fields it holds, which values it allows, why, and how that is known.
package parity
