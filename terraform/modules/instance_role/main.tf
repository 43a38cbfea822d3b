resource "aws_iam_role" "this" {
  name_prefix = var.name
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_instance_profile" "this" {
  name_prefix = var.name
  role        = aws_iam_role.this.name
  tags        = var.tags

  # An instance must not start without its rights: what it needs at boot it asks for only a minute long.
  depends_on = [aws_iam_role_policy.this, aws_iam_role_policy.session_manager]
}

resource "aws_iam_role_policy" "this" {
  for_each = var.policies

  name   = each.key
  role   = aws_iam_role.this.id
  policy = each.value
}

# What the Systems Manager agent needs. AWS's own AmazonSSMManagedInstanceCore also lets an instance read every
# parameter of the account.
resource "aws_iam_role_policy" "session_manager" {
  count = var.session_manager ? 1 : 0

  name = "session-manager"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
        # The way of agents before 3.3.40.
        "ec2messages:AcknowledgeMessage",
        "ec2messages:DeleteMessage",
        "ec2messages:FailMessage",
        "ec2messages:GetEndpoint",
        "ec2messages:GetMessages",
        "ec2messages:SendReply",
      ]
      # wildcard: the message services know no resources; an agent speaks for the instance whose credentials it has
      Resource = "*"
    }]
  })
}
