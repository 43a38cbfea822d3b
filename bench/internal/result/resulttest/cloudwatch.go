package resulttest

import (
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// FunctionLog is what AWS's log may have of a function that got as many requests, in some rounds: a hundredth of them with an init.
func FunctionLog(sent int64, rounds int) *result.FunctionLog {
	used := 58
	f := &result.FunctionLog{Sent: sent, Errors: map[string]int64{"timeout": 1, "Runtime.OutOfMemory": 2}, FailedInits: 1, MemoryMB: 512, MaxMemoryUsedMB: &used}
	warm, cold, init := result.NewHistogram(), result.NewHistogram(), result.NewHistogram()
	for r := range rounds {
		round := result.BilledRound{Round: r + 1, Invocations: sent / int64(rounds)}
		for i := range round.Invocations {
			// 2.2 to 4.1 ms, and a little more in each other round.
			ms := 2200*time.Microsecond + time.Duration(i%20)*100*time.Microsecond + time.Duration(r%2)*200*time.Microsecond
			billed := int64((ms + time.Millisecond - 1) / time.Millisecond)
			if i%100 == 0 {
				cold.Record(ms + 3*time.Millisecond)
				init.Record(60*time.Millisecond + time.Duration(i%700)*time.Millisecond/10)
				f.Cold++
				f.InitBilledMS += 75
				billed += 78
			} else {
				warm.Record(ms)
			}
			round.BilledMS += billed
		}
		f.Invocations += round.Invocations
		f.BilledMS += round.BilledMS
		f.Rounds = append(f.Rounds, round)
	}
	f.BilledGBSeconds = result.GBSeconds(f.BilledMS, f.MemoryMB)
	f.Warm, f.ColdDuration, f.Init = warm.Summary(), cold.Summary(), init.Summary()
	return f
}

// InstanceMetrics are what CloudWatch may have of a burstable instance that has spent its credits.
func InstanceMetrics() *result.InstanceMetrics {
	mean, most, balance, surplus, charged := 0.412, 0.874, 0., 12.6, 3.
	return &result.InstanceMetrics{
		Minutes: 7, WantedMinutes: 8, CPUMean: &mean, CPUMax: &most,
		Credits: &result.CPUCredits{LowestBalance: &balance, Surplus: &surplus, Charged: &charged, Until: time.Date(2026, time.July, 31, 9, 35, 0, 0, time.UTC)},
	}
}

// Deployed makes the targets of a run ones on AWS, an instance and a function, of which AWS has told.
func Deployed(run *result.Run) *result.Run {
	ec2, lambda := &run.Targets[0], &run.Targets[1]
	ec2.Kind, ec2.URL, ec2.Provenance = "ec2", "http://crossover-1234.us-east-1.elb.amazonaws.com", result.Measured
	ec2.Spec = result.Spec{Region: "us-east-1", Arch: "arm64", InstanceType: "t4g.small", Instances: 1, FrontDoor: "alb", CreditMode: "unlimited"}
	lambda.Kind, lambda.URL, lambda.Provenance = "lambda", "https://abcdefghij.lambda-url.us-east-1.on.aws", result.Measured
	lambda.Spec = result.Spec{Region: "us-east-1", Arch: "arm64", MemoryMB: 512, FrontDoor: "function_url", Auth: "AWS_IAM"}
	told := func() *result.CloudWatch {
		return &result.CloudWatch{From: run.StartedAt, To: run.FinishedAt, Notes: []string{}}
	}
	ec2.CloudWatch, lambda.CloudWatch = told(), told()
	ec2.CloudWatch.Instances = InstanceMetrics()
	ec2.CloudWatch.Notes = append(ec2.CloudWatch.Notes, "ec2: the CPU of its instances is known of 7 of 8 minutes (not within 1m0s, --cloudwatch-wait); CloudWatch has it some minutes late.")
	lambda.CloudWatch.Function = FunctionLog(lambda.Overall.Requests, run.Rounds)
	return run
}
