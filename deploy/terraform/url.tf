resource "aws_lambda_function_url" "this" {
  count              = var.function_url ? 1 : 0
  function_name      = aws_lambda_function.this.function_name
  authorization_type = var.function_url_public ? "NONE" : "AWS_IAM"

  cors {
    allow_origins  = ["*"]
    allow_methods  = ["GET", "HEAD"]
    expose_headers = ["x-kfgrab-captured", "x-kfgrab-media-time", "x-kfgrab-bytes"]
  }
}

# Since October 2025 a public URL needs both permissions.
resource "aws_lambda_permission" "url" {
  count                  = var.function_url && var.function_url_public ? 1 : 0
  statement_id           = "PublicUrl"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.this.function_name
  principal              = "*"
  function_url_auth_type = "NONE"
}

resource "aws_lambda_permission" "invoke" {
  count                    = var.function_url && var.function_url_public ? 1 : 0
  statement_id             = "PublicUrlInvoke"
  action                   = "lambda:InvokeFunction"
  function_name            = aws_lambda_function.this.function_name
  principal                = "*"
  invoked_via_function_url = true
}
