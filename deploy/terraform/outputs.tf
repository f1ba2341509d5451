output "function_name" {
  value = aws_lambda_function.this.function_name
}

output "function_arn" {
  value = aws_lambda_function.this.arn
}

output "function_url" {
  description = "URL of the function; append a stream's name for its picture. Null without a function URL."
  value       = one(aws_lambda_function_url.this[*].function_url)
}
