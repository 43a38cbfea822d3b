// Package english puts figures into sentences.
package english

import "fmt"

// Plural writes n and the noun, which gets an s unless n is 1.
func Plural[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
