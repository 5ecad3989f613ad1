//! Uploads in parts that were begun and neither completed nor aborted, as a store of S3 lists them.
//!
//! An upload has no id before the store has answered. A publisher that dies before it reads the answer, or whose connection
//! breaks there, leaves one that is on nobody's record. `object_store` does not list them, so this one request is made here, by
//! its client and with its signature.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::ClientOptions;
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector};
use object_store::path::Path;
use object_store::signer::Signer;

/// The client of a store, which is the last that it asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Client(Arc<Mutex<Option<HttpClient>>>);

impl HttpConnector for Client {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }
}

pub(super) struct Listing {
    store: AmazonS3,
    client: Client,
}

impl Listing {
    pub fn of(store: AmazonS3, client: Client) -> Self {
        Self { store, client }
    }

    /// Paths and ids of the first thousand uploads below a folder; more are for the next time.
    pub async fn below(&self, folder: &Path) -> Result<Vec<(Path, String)>, String> {
        let client = self.client.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let client = client.ok_or("the store has no client")?;
        let request = self.request(folder).await?;
        let response = client.execute(request).await.map_err(|e| e.to_string())?;
        let status = response.status();
        let body = response.into_body().bytes().await.map_err(|e| e.to_string())?;
        if !status.is_success() {
            return Err(format!("{status} from the server"));
        }
        // A gateway that knows no prefixes lists what is not ours.
        let mut found = listed(&String::from_utf8_lossy(&body));
        found.retain(|(path, _)| path.prefix_matches(folder));
        Ok(found)
    }

    async fn request(&self, folder: &Path) -> Result<HttpRequest, String> {
        let told = |e: object_store::Error| extract::Error::store_answer(&e).text;
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        // The address that the store signs for an object says where its bucket is, and in which region.
        let object = Path::from("object");
        let mut url = self.store.signed_url(request.method().clone(), &object, Duration::from_mins(1)).await.map_err(told)?;
        let scope = url.query_pairs().find(|(name, _)| name == "X-Amz-Credential").map(|(_, scope)| scope.into_owned());
        let region = scope.as_deref().and_then(|scope| scope.rsplit('/').nth(2)).ok_or("the signature names no region")?;
        url.path_segments_mut().map_err(|()| "the address has no path")?.pop();
        url.set_query(None);
        url.query_pairs_mut().append_pair("prefix", &format!("{folder}/")).append_pair("uploads", "");
        *request.uri_mut() = url.as_str().parse().map_err(|_| "the address cannot be read")?;
        let credential = self.store.credentials().get_credential().await.map_err(told)?;
        AwsAuthorizer::new(&credential, "s3", region).authorize(&mut request, None);
        Ok(request)
    }
}

fn listed(text: &str) -> Vec<(Path, String)> {
    let between = |upload: &str, tag: &str| {
        let (_, rest) = upload.split_once(&format!("<{tag}>"))?;
        let (inner, _) = rest.split_once(&format!("</{tag}>"))?;
        Some(inner.replace("&amp;", "&"))
    };
    let one = |upload: &str| Some((Path::parse(between(upload, "Key")?).ok()?, between(upload, "UploadId")?));
    text.split("<Upload>").skip(1).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_are_read_out_of_a_listing() {
        let text = "<ListMultipartUploadsResult><Bucket>lake</Bucket><KeyMarker/><UploadIdMarker>0</UploadIdMarker>\
            <Upload><Key>r&amp;d/snapshots/a/x.parquet</Key><UploadId>1</UploadId><Owner><ID>o</ID></Owner></Upload>\
            <Upload>\n<Key>r&amp;d/snapshots/b/x.parquet</Key>\n<UploadId>2</UploadId>\n</Upload></ListMultipartUploadsResult>";
        let found: Vec<_> = listed(text).into_iter().map(|(path, id)| (path.to_string(), id)).collect();
        let wanted = [("r&d/snapshots/a/x.parquet", "1"), ("r&d/snapshots/b/x.parquet", "2")];
        assert_eq!(found, wanted.map(|(path, id)| (path.to_owned(), id.to_owned())));
        assert!(listed("<ListMultipartUploadsResult></ListMultipartUploadsResult>").is_empty());
    }
}
