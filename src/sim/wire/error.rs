//! Errors as AWS sends them: a code, a message, an HTTP status.

use super::{Service, Target};

/// An error reply. Which wire form it takes depends on the service.
#[derive(Clone, Debug, PartialEq)]
pub struct AwsError {
    /// The code that clients switch on, such as `InvalidInstanceId`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// HTTP status.
    pub status: u16,
}

impl AwsError {
    /// An error of the caller's making (HTTP 400).
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), status: 400 }
    }

    /// The same with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The service's own way to say that calls come too fast.
    pub fn throttled(service: Service) -> Self {
        match service {
            Service::Ssm | Service::Logs => Self::new("ThrottlingException", "Rate exceeded"),
            Service::Ec2 => Self::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503),
            Service::CloudWatch | Service::Iam | Service::Sts => Self::new("Throttling", "Rate exceeded"),
        }
    }

    /// The service's own way to say that the caller may not.
    pub fn denied(target: &Target) -> Self {
        let message = format!(
            "User: arn:aws:sts::{}:assumed-role/Watchkeeper/simulated is not authorized to perform: {}:{}",
            target.place.account,
            target.service.name(),
            target.operation
        );
        match target.service {
            Service::Ssm | Service::Logs => Self::new("AccessDeniedException", message),
            Service::Ec2 => {
                Self::new("UnauthorizedOperation", "You are not authorized to perform this operation.")
                    .with_status(403)
            }
            Service::CloudWatch | Service::Iam | Service::Sts => {
                Self::new("AccessDenied", message).with_status(403)
            }
        }
    }

    /// The service's own way to say that it failed.
    pub fn internal(service: Service) -> Self {
        let (code, message) = match service {
            Service::Ssm => ("InternalServerError", "An internal error occurred."),
            Service::Logs => ("ServiceUnavailableException", "The service cannot complete the request."),
            Service::CloudWatch => ("InternalServiceError", "The request processing has failed."),
            Service::Ec2 => ("InternalError", "An internal error has occurred"),
            Service::Iam | Service::Sts => ("ServiceFailure", "The request processing has failed."),
        };
        Self::new(code, message).with_status(500)
    }

    /// A request that breaks the service model.
    pub fn validation(service: Service, message: impl Into<String>) -> Self {
        let code = match service {
            Service::Ssm => "ValidationException",
            Service::Logs => "InvalidParameterException",
            Service::Ec2 => "InvalidParameterValue",
            Service::CloudWatch | Service::Iam | Service::Sts => "ValidationError",
        };
        Self::new(code, message)
    }

    /// An operation that this AWS does not have.
    pub fn unknown_operation(target: &Target) -> Self {
        let message = format!(
            "The simulator does not implement {}:{}. It implements only what Watchkeeper needs.",
            target.service.name(),
            target.operation
        );
        match target.service {
            Service::Ssm | Service::Logs | Service::CloudWatch => {
                Self::new("UnknownOperationException", message)
            }
            Service::Ec2 | Service::Iam | Service::Sts => Self::new("InvalidAction", message),
        }
    }

    /// A request for none of our services.
    pub fn unknown_service() -> Self {
        Self::new(
            "UnknownOperationException",
            "The simulator speaks SSM, CloudWatch, CloudWatch Logs, EC2, IAM and STS only; this request is for none of them.",
        )
    }
}
