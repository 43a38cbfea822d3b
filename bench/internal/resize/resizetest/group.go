package resizetest

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// serveQuery is for the services that speak AWS's query protocol.
func (s *Server) serveQuery(w http.ResponseWriter, body string) {
	form, err := url.ParseQuery(body)
	if err != nil {
		failQuery(w, "ValidationError", err.Error())
		return
	}
	switch action := form.Get("Action"); action {
	case "DescribeAutoScalingGroups":
		name := form.Get("AutoScalingGroupNames.member.1")
		text := ""
		if g := s.groups[name]; g != nil {
			g.step()
			text = g.text(name)
		}
		reply(w, action, "<AutoScalingGroups>"+text+"</AutoScalingGroups>")
	case "UpdateAutoScalingGroup":
		s.updateGroup(w, form)
	case "DescribeTargetHealth":
		g := s.groups[form.Get("TargetGroupArn")]
		if g == nil {
			failQuery(w, "TargetGroupNotFound", "no such target group")
			return
		}
		one := "<member><TargetHealth><State>healthy</State></TargetHealth></member>"
		reply(w, action, "<TargetHealthDescriptions>"+strings.Repeat(one, g.running)+"</TargetHealthDescriptions>")
	default:
		failQuery(w, "InvalidAction", action)
	}
}

func (s *Server) updateGroup(w http.ResponseWriter, form url.Values) {
	g := s.groups[form.Get("AutoScalingGroupName")]
	var sizes [3]int
	for i, name := range []string{"MinSize", "MaxSize", "DesiredCapacity"} {
		sizes[i], _ = strconv.Atoi(form.Get(name))
	}
	if g == nil || sizes[0] > sizes[2] || sizes[2] > sizes[1] {
		failQuery(w, "ValidationError", fmt.Sprint("no such sizes: ", sizes))
		return
	}
	change := strings.Trim(fmt.Sprint("group ", sizes), "]")
	change = strings.Replace(change, "[", "", 1)
	if s.Refuse != nil {
		if kind := s.Refuse(change); kind != "" {
			failQuery(w, kind, "refused: "+change)
			return
		}
	}
	s.changes = append(s.changes, change)
	g.Min, g.Max, g.Desired, g.pending = sizes[0], sizes[1], sizes[2], s.Looks
	reply(w, "UpdateAutoScalingGroup", "")
}

// step is one look nearer to the desired size.
func (g *Group) step() {
	if g.pending > 0 {
		g.pending--
		return
	}
	g.running = g.Desired
}

func (g *Group) text(name string) string {
	var instances strings.Builder
	for i := range max(g.running, g.Desired) {
		state := "InService"
		switch {
		case i >= g.Desired:
			state = "Terminating"
		case i >= g.running:
			state = "Pending"
		}
		fmt.Fprintf(&instances, "<member><InstanceId>i-%d</InstanceId><LifecycleState>%s</LifecycleState><HealthStatus>Healthy</HealthStatus></member>", i, state)
	}
	return fmt.Sprintf("<member><AutoScalingGroupName>%s</AutoScalingGroupName><MinSize>%d</MinSize><MaxSize>%d</MaxSize><DesiredCapacity>%d</DesiredCapacity>"+
		"<TargetGroupARNs><member>%[1]s</member></TargetGroupARNs><Instances>%[5]s</Instances></member>", name, g.Min, g.Max, g.Desired, instances.String())
}

func reply(w http.ResponseWriter, action, result string) {
	_, _ = fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, result)
}

func failQuery(w http.ResponseWriter, kind, message string) {
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", kind, message)
}
