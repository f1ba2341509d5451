// Package browsertest tests package serve from outside, in a browser and
// against its OpenAPI document. It is a module of its own, so that kfgrab does
// not depend on what only these tests need.
package browsertest
