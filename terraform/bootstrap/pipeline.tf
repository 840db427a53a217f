# The roles of the pipeline's builds that need more than the boundary lets a role have. They are made here, so that who
# deploys can neither widen them nor make another: pushing an image is in no role of the configuration above this one.

locals {
  # Which builds: the projects by their whole names, of any environment, and nothing else that is called alike.
  build_trusts = {
    for build in ["image", "plan", "apply"] : build => {
      Sid       = "Pipeline"
      Effect    = "Allow"
      Principal = { Service = "codebuild.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnEquals = {
          "aws:SourceArn" = [
            for environment in ["dev", "staging", "prod"] :
            "arn:${local.partition}:codebuild:${local.here}:project/${local.prefix}-${build}-${environment}"
          ]
        }
      }
    }
  }

  build_logs = "arn:${local.partition}:logs:${local.here}:log-group:/aws/codebuild/${local.prefix}"

  # A plan reads what is deployed. That it reads is seen by the names of what deploying takes, so there is no second list.
  reads = sort(distinct([
    for action in flatten([
      for statements in values(local.deploy_policies) : [for statement in statements : statement.Action if statement.Effect == "Allow"]
    ]) : action if can(regex(":(BatchGet|Decrypt$|Describe|GET$|Get|List|Validate)", action))
  ]))

  # The lock, the plan that is kept, and the build's own log.
  plan_writes = {
    actions = ["logs:CreateLogStream", "logs:PutLogEvents", "s3:DeleteObject", "s3:PutObject"]
    resources = [
      "${local.build_logs}-plan-*", "${local.state_arn}/${local.prefix}/*.tflock", "${local.state_arn}/${local.prefix}/plans/*",
    ]
  }
}

resource "aws_iam_role" "build" {
  for_each = var.codebuild_deploys ? {
    image = "Pushes the image of ${local.prefix}."
    plan  = "Plans what deploying ${local.prefix} would change, and changes nothing."
  } : {}

  name        = "${local.own}-${each.key}"
  description = each.value

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.build_trusts[each.key]]
  })
}

# What runs before anybody has approved it is what the commit says, so it gets all that deploying takes, less all writing.
resource "aws_iam_role_policy_attachment" "plan" {
  for_each = { for name, policy in aws_iam_policy.deploy : name => policy.arn if var.codebuild_deploys }

  role       = aws_iam_role.build["plan"].name
  policy_arn = each.value
}

resource "aws_iam_role_policy" "build" {
  for_each = aws_iam_role.build

  name = "${local.own}-${each.key}"
  role = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = {
      image = [
        {
          # The registry as a whole is logged in to.
          Sid      = "RegistryLogin"
          Effect   = "Allow"
          Action   = "ecr:GetAuthorizationToken"
          Resource = "*"
        },
        {
          Sid    = "Push"
          Effect = "Allow"
          Action = [
            "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
            "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
          ]
          Resource = local.image_arn
        },
        {
          Sid      = "Source"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource = "arn:${local.partition}:s3:::${local.prefix}-pipeline-*/*"
        },
        {
          Sid      = "Log"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${local.build_logs}-image-*"
        },
      ]
      plan = [
        {
          Sid       = "NothingButReads"
          Effect    = "Deny"
          NotAction = concat(local.reads, local.plan_writes.actions)
          Resource  = "*"
        },
        {
          Sid         = "NoOtherWrites"
          Effect      = "Deny"
          Action      = local.plan_writes.actions
          NotResource = local.plan_writes.resources
        },
      ]
    }[each.key]
  })
}
