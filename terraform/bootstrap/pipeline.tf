# The roles of the pipeline's builds that need more than the permissions boundary allows. They are created here, so that the
# deployment role can neither extend them nor create another; no role of terraform/ can push an image.

locals {
  # The CodeBuild projects that may assume each role: their full names, in any environment.
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

  # A plan reads the deployed resources. It may call the deployment role's actions whose names say that they read.
  reads = sort(distinct([
    for action in flatten([
      for statements in values(local.deploy_policies) : [for statement in statements : statement.Action if statement.Effect == "Allow"]
    ]) : action if can(regex(":(BatchGet|Decrypt$|Describe|GET$|Get|List|Validate)", action))
  ]))

  # The state's lock, the stored plan, and the build's log.
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
    plan  = "Plans deployments of ${local.prefix}; it cannot change them."
  } : {}

  name        = "${local.own}-${each.key}"
  description = each.value

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.build_trusts[each.key]]
  })
}

# The plan build runs the commit's code before anybody approves it. It gets the deployment role's actions, but none that write.
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
          # The login is to the whole registry, so this action supports no resource-level permissions.
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
