use super::super::Bft;
use crate::{
    Chain, EngineError, Host,
    bft::{
        limits::EARLY_CERTIFICATES_MAX,
        rules::{
            certificate::{check_polka, check_round},
            context::{Input, PolkaCertificate, RoundCertificate, Tendermint},
        },
    },
};
use alloy_primitives::Address;
use arc_malachitebft_core_types::{CertificateError, ThresholdParams};
use hanse_primitives::PeerId;

impl Bft {
    /// Proof that a quorum prevoted a block.
    pub(super) fn on_polka<C: Chain>(
        &mut self,
        from: PeerId,
        certificate: PolkaCertificate,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let Some(deciding) = &self.deciding else { return Ok(()) };
        if deciding.core.is_some() {
            return self.feed(Input::PolkaCertificate(certificate), host);
        }
        let thresholds = ThresholdParams::default();
        let checked = check_polka(&self.domain, &certificate, &deciding.voters, thresholds);
        let signers = certificate.polka_signatures.iter().map(|one| one.address.0).collect();
        self.keep_early(from, Input::PolkaCertificate(certificate), checked, signers, host);
        Ok(())
    }

    /// Proof that a round may be left or entered.
    pub(super) fn on_round<C: Chain>(
        &mut self,
        from: PeerId,
        certificate: RoundCertificate,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let Some(deciding) = &self.deciding else { return Ok(()) };
        if deciding.core.is_some() {
            return self.feed(Input::RoundCertificate(certificate), host);
        }
        let thresholds = ThresholdParams::default();
        let checked = check_round(&self.domain, &certificate, &deciding.voters, thresholds);
        let signers = certificate.round_signatures.iter().map(|one| one.address.0).collect();
        self.keep_early(from, Input::RoundCertificate(certificate), checked, signers, host);
        Ok(())
    }

    /// Keeps a certificate for when the height is started, which it gives good reason for.
    fn keep_early<C: Chain>(
        &mut self,
        from: PeerId,
        input: Input,
        checked: Result<(), CertificateError<Tendermint>>,
        signers: Vec<Address>,
        host: &mut Host<'_, C>,
    ) {
        if let Err(error) = checked {
            self.blame_sender(&error.to_string(), host);
            return;
        }
        let Some(deciding) = &mut self.deciding else { return };
        signers.into_iter().for_each(|signer| deciding.note_voter(signer));
        let is_certificate = |early: &&(PeerId, Input)| !matches!(early.1, Input::Vote(_));
        if deciding.early.iter().filter(is_certificate).count() < EARLY_CERTIFICATES_MAX {
            deciding.early.push((from, input));
        }
    }
}
