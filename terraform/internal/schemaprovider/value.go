package main

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// decode takes a configuration apart into the values of its attributes and blocks.
func decode(dv *tfprotov5.DynamicValue, schema *tfprotov5.Schema) (map[string]tftypes.Value, error) {
	if dv == nil || schema == nil {
		return nil, errors.New("terraform asks for something that is not in the schema")
	}
	v, err := dv.Unmarshal(schema.ValueType())
	if err != nil {
		return nil, fmt.Errorf("reading a configuration: %w", err)
	}
	return object(v), nil
}

// The following take a value apart; null, unknown and other types come out empty.

func object(v tftypes.Value) map[string]tftypes.Value {
	var m map[string]tftypes.Value
	if v.IsNull() || !v.IsKnown() || v.As(&m) != nil {
		return nil
	}
	return m
}

func list(v tftypes.Value) []tftypes.Value {
	var l []tftypes.Value
	if v.IsNull() || !v.IsKnown() || v.As(&l) != nil {
		return nil
	}
	return l
}

func text(v tftypes.Value) string {
	var s string
	if v.IsNull() || !v.IsKnown() || v.As(&s) != nil {
		return ""
	}
	return s
}

func texts(v tftypes.Value) []string {
	var out []string
	for _, e := range list(v) {
		out = append(out, text(e))
	}
	return out
}

// number is v, and whether v is a known number.
func number(v tftypes.Value) (float64, bool) {
	var n big.Float
	if v.IsNull() || !v.IsKnown() || v.As(&n) != nil {
		return 0, false
	}
	f, _ := n.Float64()
	return f, true
}

// set tells that the configuration gives v, be it known yet or not.
func set(v tftypes.Value) bool { return !v.IsNull() && (!v.IsKnown() || !isEmptyList(v)) }

func isEmptyList(v tftypes.Value) bool {
	var l []tftypes.Value
	return v.As(&l) == nil && len(l) == 0
}

// value makes a string, bool, int, []string or a ready value into one of type t.
func value(t tftypes.Type, x any) (tftypes.Value, error) {
	if v, ok := x.(tftypes.Value); ok {
		return v, nil
	}
	if l, ok := x.([]string); ok {
		elements := []tftypes.Value{}
		for _, s := range l {
			elements = append(elements, tftypes.NewValue(tftypes.String, s))
		}
		x = elements
	}
	if err := tftypes.ValidateValue(t, x); err != nil {
		return tftypes.Value{}, err
	}
	return tftypes.NewValue(t, x), nil
}
